// Figures as people read them, by the same rules as the pages. Money comes from the server as text.

/**
 * Seconds with a precision that suits their size.
 * @param {number | null | undefined} seconds
 */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 0.0995) return `${Math.round(seconds * 1000)}\u00a0ms`;
  if (seconds < 10) return `${seconds.toFixed(2)}\u00a0s`;
  if (seconds < 60) return `${seconds.toFixed(1)}\u00a0s`;
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}\u00a0min ${String(whole % 60).padStart(2, "0")}\u00a0s`;
  return `${Math.floor(minutes / 60)}\u00a0h ${String(minutes % 60).padStart(2, "0")}\u00a0min`;
}

/**
 * Bytes in decimal units, as disks and networks count.
 * @param {number} size
 */
export function filesize(size) {
  if (size < 1000) return `${size}\u00a0B`;
  const units = ["kB", "MB", "GB", "TB", "PB"];
  let value = size / 1000;
  while (value >= 999.5 && units.length > 1) {
    value /= 1000;
    units.shift();
  }
  return `${value.toFixed(value >= 99.5 ? 0 : 1)}\u00a0${units[0]}`;
}
