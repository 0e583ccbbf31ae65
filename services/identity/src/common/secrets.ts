import { createHash } from 'node:crypto';

/** The hash of random secrets. A fast hash is enough, because they are too long to be guessed. */
export const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
