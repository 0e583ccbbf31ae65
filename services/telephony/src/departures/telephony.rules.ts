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
  type Explain,
  type Rule,
} from '#libs/lifecycle';
import { PhoneCall } from '../call/phone-call.entity.js';
import { Callback } from '../callback/callback.entity.js';
import { PhoneNumber } from '../number/number.entity.js';
import { contactsFollow } from '../number-contact/contacts-follow.js';
import { shown } from './shown.js';

const DAYS_IN_QUARANTINE = 7;

/** A quarantined number has no owner and can be restored; a released one is back in the public pool. */
const release = releaseAfter(DAYS_IN_QUARANTINE, {
  now: { [PERSON]: null, destinationUserId: null, state: 'quarantined', quarantinedFromId: LEAVER, releaseAt: DUE },
  then: owned(PhoneNumber, 'quarantinedFromId', { state: 'quarantined' }),
  thenSet: { state: 'released', quarantinedFromId: null, releaseAt: NOW },
});

/** The successor answers the leaver's calls. If another user answers a number, that stays so. */
const handOver = transferWith(
  {
    destinationUserId: sql`case when t.destination_user_id = l.user_id then l.successor else t.destination_user_id end`,
  },
  { remote: contactsFollow },
);

/** By default a personal number is released after a quarantine, so that it can be restored for some days. */
const numbers = rule('telephony.numbers', 'Personal numbers', {
  rows: owned(PhoneNumber, 'ownerId', { state: 'assigned' }, { shown: shown.number }),
  deactivated: can(keep, block, handOver, release),
  deleted: can(release, keep, block, handOver),
  presets: { calls: { deleted: block } },
  listed: true,
  warning: true,
  explain: async (about) => {
    if (about.action === 'block') return `Reassign or release these numbers first: ${await listOf(about, 'owner_id')}.`;
    if (about.action === 'release-after')
      return 'The numbers can be restored until they are released to the public pool.';
    return about.action === 'keep' ? GOES_TO_VOICEMAIL : undefined;
  },
});

const answerInstead = transferWith({}, { remote: contactsFollow });

/**
 * Calls must not be routed to a user who has left. This rule covers numbers that the leaver answers but does not own;
 * the rule above covers the leaver's own numbers, so that no number is counted twice.
 */
const callRouting = rule('telephony.call-routing', 'Numbers answered by the user', {
  rows: owned(
    PhoneNumber,
    'destinationUserId',
    { state: 'assigned' },
    { match: sql`t.owner_id is distinct from l.user_id`, shown: shown.number },
  ),
  deactivated: can(keep, unassign, answerInstead, block),
  deleted: can(unassign, keep, answerInstead, block),
  presets: { calls: { deleted: block } },
  listed: true,
  warning: true,
  explain: async (about) => {
    if (about.action === 'keep') return GOES_TO_VOICEMAIL;
    if (about.action !== 'block') return undefined;
    return `First choose another user to answer these numbers: ${await listOf(about, 'destination_user_id')}.`;
  },
});

/** Pending callbacks need another assignee because a contact is waiting. Done callbacks keep theirs. */
const callbacks = rule('telephony.callbacks', 'Pending callbacks', {
  rows: owned(Callback, 'assigneeId', { status: 'pending' }, { shown: shown.callback }),
  deactivated: can(keep, unassign, transfer),
  deleted: can(unassign, keep, transfer),
});

/** Past calls are kept unchanged; a deleted user appears only as an id. */
const callHistory = rule('telephony.call-history', 'Call history', {
  rows: owned(PhoneCall, 'userId', {}, { shown: shown.call }),
  deactivated: always(keep),
  deleted: always(keep),
});

const GOES_TO_VOICEMAIL =
  'Calls and texts go to the caretaker, or else to voicemail, until another user is chosen to answer.';
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

/** The rules for a leaver's numbers and calls, in the order in which they run. */
export const telephonyRules: readonly Rule[] = [numbers, callRouting, callbacks, callHistory];
