import { createHash } from 'node:crypto';

/** How random secrets are kept: they are too long to be guessed, so that a fast hash will do. */
export const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
