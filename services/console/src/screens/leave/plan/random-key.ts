/** A new idempotency key, made once for each plan. @param _plan what it is for */
export const randomKey = (_plan: unknown): string =>
  // `randomUUID` exists only over HTTPS.
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
