// Figures as people read them. The same rules as marketplace/web/shared/figures.py.

/** @type {Record<string, string>} */
const SIGNS = { USD: "$", EUR: "€", GBP: "£" };

/**
 * Micro-units as a decimal amount: at least two and at most six decimals, exact.
 * @param {number | bigint | string | null | undefined} micro
 */
export function money(micro, currency = "USD") {
  if (micro === null || micro === undefined) return "";
  const value = BigInt(micro);
  const size = value < 0n ? -value : value;
  const whole = (size / 1_000_000n).toString().replace(/\B(?=(\d{3})+$)/g, ",");
  const decimals = (size % 1_000_000n)
    .toString()
    .padStart(6, "0")
    .replace(/0{1,4}$/, "");
  const sign = SIGNS[currency] ?? `${currency}\u00a0`;
  return `${value < 0n ? "\u2212" : ""}${sign}${whole}.${decimals}`;
}

/**
 * Micro-units of a receipt's decimal text, which always has six decimals.
 * @param {string} text
 */
export function microOf(text) {
  return Number(text.replace(".", ""));
}

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
