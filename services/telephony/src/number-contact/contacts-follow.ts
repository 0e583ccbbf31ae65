import type { ServiceClient } from '#libs/broker';
import { contactsMoved, contactsReturnable, type ContactsMoved } from '#libs/contracts';
import type { RemoteAnswer, RemoteEffect } from '#libs/lifecycle';
import { sql } from 'kysely';

/** The contacts of a transferred number go to its new user. Their assignees are stored by the contacts service. */
export const contactsFollow: RemoteEffect = {
  part: 'contacts',
  items: sql`select c.contact_id from number_contact c where c.number_id = t.id`,
  apply: (client, { id, accountId, userId, lifecycleVersion, rule, itemIds, successor, decidedAt, undoable }) =>
    send(client, {
      ...{ id, accountId, contactIds: itemIds, userId: successor, after: { userId, lifecycleVersion } },
      departure: { rule, decidedAt: decidedAt.toISOString(), undoable },
    }),
  inverse: (client, { id, accountId, userId, lifecycleVersion, rule, undoes }) =>
    send(client, {
      ...{ id, accountId, contactIds: [], userId, after: { userId, lifecycleVersion } },
      undoes: { rule, lifecycleVersion: undoes },
    }),
  countInverse: async (client, { accountId, userId, rule, undoes }) => {
    const { returnable } = await client.ask(contactsReturnable, { accountId, userId, rule, lifecycleVersion: undoes });
    return returnable;
  },
};

/** A contacts service of an earlier version answers without a number. A new one counts what an earlier one has moved. */
async function send(client: ServiceClient, command: ContactsMoved): Promise<RemoteAnswer> {
  const { done, superseded, moved, notRestored, warning } = await client.ask(contactsMoved, command);
  if (superseded) return 'superseded';
  if (!done || moved === undefined) return 'not-yet';
  return { rows: moved, ...(notRestored && { notRestored }), ...(warning && { warning }) };
}
