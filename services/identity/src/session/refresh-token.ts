import type { Ids } from '#libs/database';
import { sha256 } from '../common/secrets.js';

const FAMILY = 22; // 16 bytes in base64url
const SECRET = 43; // 32 bytes
const FORM = new RegExp(`^[\\w-]{${FAMILY + SECRET}}$`);

/**
 * A refresh token in two parts. The first is the session's own and never changes, so that each older token of the
 * session is known again as a replay, however old; the second is good for one use.
 */
export interface RefreshToken {
  text: string;
  /** Hash of the first part. */
  family: Buffer;
  /** Hash of the whole. */
  hash: Buffer;
}

export const newRefreshToken = (ids: Ids): RefreshToken => read(ids.secret(16) + ids.secret(32));

/** The next token of the same session. */
export const nextRefreshToken = (token: RefreshToken, ids: Ids): RefreshToken =>
  read(token.text.slice(0, FAMILY) + ids.secret(32));

/** Null when it never was one of ours. */
export const parseRefreshToken = (text: string): RefreshToken | null => (FORM.test(text) ? read(text) : null);

const read = (text: string): RefreshToken => ({ text, family: sha256(text.slice(0, FAMILY)), hash: sha256(text) });
