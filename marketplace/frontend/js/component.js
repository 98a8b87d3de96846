/**
 * What Alpine gives every component.
 * @typedef {{$root: HTMLElement, $el: HTMLElement, $nextTick: (done?: () => void) => Promise<void>}} Magics
 */

/**
 * A component's definition as it stands; it is here so that types know what `this` is inside it.
 * @template {object} T
 * @param {T & ThisType<T & Magics>} definition
 * @returns {T}
 */
export const component = (definition) => definition;
