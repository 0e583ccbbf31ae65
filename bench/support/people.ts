import { userSubject, type ResolvedRules, type Transition, type UserEvent } from '#libs/contracts';
import { Publisher, USERS } from '#libs/broker';
import { buildUserEvent } from '#libs/test-kit';
import type { NatsConnection } from '@nats-io/transport-node';
import { clock, ids } from './participant.js';

/**
 * The users of a measure are numbered, so that SQL can compute the same ids. Number 0 is the account's first admin.
 */
export const ACCOUNT = '00000000-0000-7000-8000-000000000001';
export const personId = (n: number): string => `00000000-0000-7000-9000-${n.toString(16).padStart(12, '0')}`;
/** A SQL expression for the id of the user whose number the given SQL expression yields. */
export const personSql = (n: string): string => `('00000000-0000-7000-9000-' || lpad(to_hex(${n}), 12, '0'))::uuid`;

/** Adds the users up to this number to the directory. */
export const directoryOf = (people: number): string => `
  insert into directory (user_id, account_id, name, status, seq, lifecycle_version, is_manager, user_created_at)
  select ${personSql('n')}, '${ACCOUNT}', 'Person ' || n, 'active', 1, 0, n = 0, now() from generate_series(0, ${people}) n`;

export function departureOf(
  n: number,
  transition: Transition,
  rules: ResolvedRules,
  { version = 2, account = ACCOUNT } = {},
): UserEvent {
  const person = { accountId: account, userId: personId(n) };
  return buildUserEvent({ ids, clock }, `user.${transition}`, person, {
    lifecycleVersion: version,
    profile: transition === 'deleted' ? {} : { name: `Person ${n}` },
    departure: { policy: { preset: 'crm', version: 1, rules } },
  });
}

export const messageOf = (event: UserEvent) => ({
  subject: userSubject(event.type, event.data.accountId, event.data.userId),
  id: ids.next(),
  data: JSON.stringify(event),
});

/** Outbox rows as identity writes them. */
export const outboxRows = (events: readonly UserEvent[], waiting: readonly string[]) => ({
  text: `insert into outbox (id, account_id, user_id, seq, round, subject, event, waiting, created_at)
    select n.*, $2, now() from json_to_recordset($1) as n (id uuid, account_id uuid, user_id uuid, seq bigint, round int, subject text, event json)`,
  values: [
    JSON.stringify(
      events.map((event) => ({
        id: event.id,
        account_id: event.data.accountId,
        user_id: event.data.userId,
        seq: event.data.seq,
        round: 0,
        subject: messageOf(event).subject,
        event,
      })),
    ),
    waiting,
  ],
});

export async function publish(nats: NatsConnection, events: readonly UserEvent[]): Promise<void> {
  const results = await new Publisher(nats).publishAll(USERS, events.map(messageOf));
  if (results.some((result) => result !== 'stored')) throw new Error('the broker has not stored every event');
}
