import { relationOf } from '#libs/database';
import { sql, type RawBuilder } from 'kysely';
import type { DeletedPerson } from './forgetting.js';

/**
 * The deleted users as relation `n (account_id, user_id, salt, digests)`, for `holdsIdentifier`: a row for each salt. Needs
 * a user with identifiers.
 */
export const deletedRelation = (deleted: readonly DeletedPerson[]): RawBuilder<unknown> =>
  relationOf(
    'n',
    deleted.flatMap(({ accountId, userId, identifiers }) =>
      identifiers.map(({ salt, digests }) => ({ account_id: accountId, user_id: userId, salt, digests })),
    ),
    { account_id: 'uuid', user_id: 'uuid', salt: 'uuid', digests: 'jsonb' },
  );

/**
 * Whether a text is an identifier of the user of `n`.
 * @param folded the text with its case folded (`fold_case`)
 */
export const holdsIdentifier = (folded: RawBuilder<unknown>): RawBuilder<boolean> => sql<boolean>`
  jsonb_exists(n.digests, encode(sha256(convert_to(n.salt || ':' || ${folded}, 'UTF8')), 'hex'))`;
