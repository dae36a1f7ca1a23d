/** snappyjs has no types of its own; this is what we use of it. */
declare module 'snappyjs' {
  export function compress(plain: Uint8Array): Uint8Array
}
