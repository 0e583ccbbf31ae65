import { SECRET_FAMILY_LENGTH, SESSION_SECRET_LENGTH } from '#libs/contracts';
import type { Ids } from '#libs/database';
import { sha256 } from '../common/secrets.js';

const PATTERN = new RegExp(`^[\\w-]{${SESSION_SECRET_LENGTH}}$`);

/**
 * A refresh token has two parts. The first identifies the session and never changes, so that any older token of the
 * session is recognized as a replay. The second is valid for one use.
 */
export interface RefreshToken {
  text: string;
  /** Hash of the first part. */
  family: Buffer;
  /** Hash of the whole token. */
  hash: Buffer;
}

export const newRefreshToken = (ids: Ids): RefreshToken => read(ids.secret(16) + ids.secret(32));

/** The next token of the same session. */
export const nextRefreshToken = (token: RefreshToken, ids: Ids): RefreshToken =>
  read(token.text.slice(0, SECRET_FAMILY_LENGTH) + ids.secret(32));

/** Returns null if the text is not a refresh token. */
export const parseRefreshToken = (text: string): RefreshToken | null => (PATTERN.test(text) ? read(text) : null);

const read = (text: string): RefreshToken => ({
  text,
  family: sha256(text.slice(0, SECRET_FAMILY_LENGTH)),
  hash: sha256(text),
});
