import { foldCase } from '#libs/contracts';
import { sha256 } from './secrets.js';

/** The digest by which services recognise an identifier of a deleted user, in whatever letter case it was entered. */
export const digestOf = (departureId: string, identifier: string): string =>
  sha256(`${departureId}:${foldCase(identifier)}`).toString('hex');
