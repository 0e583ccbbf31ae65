import { sql } from 'kysely';
import {
  always,
  block,
  can,
  DUE,
  keep,
  LEAVER,
  NOW,
  owned,
  PERSON,
  releaseAfter,
  rule,
  transfer,
  transferWith,
  unassign,
  type SideEffects,
  type Explain,
  type Rule,
} from '#libs/lifecycle';
import { PhoneCall } from '../call/phone-call.entity.js';
import { Callback } from '../callback/callback.entity.js';
import { PhoneNumber } from '../number/number.entity.js';
import { noteMoves } from '../number-contact/number-contacts.js';

const DAYS_IN_QUARANTINE = 7;

/** In quarantine a number is nobody's and can be restored; afterwards it is back in the public pool. */
const release = releaseAfter(DAYS_IN_QUARANTINE, {
  now: { [PERSON]: null, destinationUserId: null, state: 'quarantined', quarantinedFromId: LEAVER, releaseAt: DUE },
  then: owned(PhoneNumber, 'quarantinedFromId', { state: 'quarantined' }),
  thenSet: { state: 'released', quarantinedFromId: null, releaseAt: NOW },
});

/** Whoever takes a number over gets its contacts, too. */
const withContacts: SideEffects = (db, numberIds, leavers) =>
  noteMoves(
    db,
    numberIds.map((numberId) => {
      const { userId, lifecycleVersion, successor = null } = leavers.get(numberId)!;
      return { numberId, userId: successor, ...(lifecycleVersion && { after: { userId, lifecycleVersion } }) };
    }),
  );

/** Somebody else who answers the leaver's calls goes on answering them. */
const handOver = transferWith(
  {
    destinationUserId: sql`case when t.destination_user_id = l.user_id then l.successor else t.destination_user_id end`,
  },
  withContacts,
);

/** A personal number outlives its owner's departure only for as long as somebody may want it back. */
const numbers = rule('telephony.numbers', 'Personal numbers', {
  rows: owned(PhoneNumber, 'ownerId', { state: 'assigned' }),
  deactivated: can(keep, block, handOver, release),
  deleted: can(release, keep, block, handOver),
  presets: { calls: { deleted: block } },
  listed: true,
  warning: true,
  explain: async (about) => {
    if (about.action === 'block') return `Reassign or release these numbers first: ${await listOf(about, 'owner_id')}.`;
    if (about.action === 'release-after') return 'They can be restored until they are back in the public pool.';
    return about.action === 'keep' ? GOES_TO_VOICEMAIL : undefined;
  },
});

const answerInstead = transferWith({}, withContacts);

/**
 * Calls must not go to somebody who has left. Of the numbers that the leaver answers these are the ones that others own,
 * or nobody: the leaver's own are dealt with by the rule above, so that no number counts twice.
 */
const callRouting = rule('telephony.call-routing', 'Numbers answered by the user', {
  rows: owned(
    PhoneNumber,
    'destinationUserId',
    { state: 'assigned' },
    { match: sql`t.owner_id is distinct from l.user_id` },
  ),
  deactivated: can(keep, unassign, answerInstead, block),
  deleted: can(unassign, keep, answerInstead, block),
  presets: { calls: { deleted: block } },
  listed: true,
  warning: true,
  explain: async (about) => {
    if (about.action === 'keep') return GOES_TO_VOICEMAIL;
    if (about.action !== 'block') return undefined;
    return `Choose who answers these numbers first: ${await listOf(about, 'destination_user_id')}.`;
  },
});

/** Somebody still waits for the call. What is done stays with whoever has done it. */
const callbacks = rule('telephony.callbacks', 'Pending callbacks', {
  rows: owned(Callback, 'assigneeId', { status: 'pending' }),
  deactivated: can(keep, unassign, transfer),
  deleted: can(unassign, keep, transfer),
});

/** Who has spoken with whom stays true; a deleted user is no more than an id in it. */
const callHistory = rule('telephony.call-history', 'Call history', {
  rows: owned(PhoneCall, 'userId'),
  deactivated: always(keep),
  deleted: always(keep),
});

const GOES_TO_VOICEMAIL = 'Calls and texts to the leaver end in voicemail until somebody else is chosen to answer.';
const NAMED = 20;

async function listOf({ db, userId }: Explain, column: 'owner_id' | 'destination_user_id'): Promise<string> {
  const others = column === 'owner_id' ? sql`true` : sql`owner_id is distinct from ${userId}`;
  const { rows } = await sql<{ e164: string }>`
    select e164 from phone_number
    where ${sql.ref(column)} = ${userId} and state = 'assigned' and ${others} order by id limit ${NAMED + 1}`.execute(
    db,
  );
  const named = rows.slice(0, NAMED).map((row) => row.e164);
  return [...named, ...(rows.length > NAMED ? ['…'] : [])].join(', ');
}

/** What happens to the numbers and calls of somebody who leaves, in this order. */
export const telephonyRules: readonly Rule[] = [numbers, callRouting, callbacks, callHistory];
