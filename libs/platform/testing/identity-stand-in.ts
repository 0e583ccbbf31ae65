import { createHash, randomUUID } from 'node:crypto';
import { closeNats, connectNats } from '#libs/broker';
import { directoryLookup, foldCase, type DirectoryPage, type IdentifierDigests } from '#libs/contracts';
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import type { EntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';

type Known = DirectoryPage['people'][number];

/** Answers for identity what users are like now: as in the service's directory, unless a test says otherwise. */
export class IdentityStandIn {
  private readonly ahead = new Map<string, Known>();
  private readonly identifiers = new Map<string, IdentifierDigests>();
  /** The number of requests so far. */
  asked = 0;

  private constructor(
    private readonly nats: NatsConnection,
    private readonly em: () => EntityManager,
  ) {}

  /** @param em returns a new unit of work on the service's database */
  static async start(brokerUrl: string, em: () => EntityManager): Promise<IdentityStandIn> {
    const nats = await connectNats({ url: brokerUrl, name: 'identity-stand-in' });
    const identity = new IdentityStandIn(nats, em);
    nats.subscribe(directoryLookup.subject, { callback: (_error, message) => void identity.answer(message) });
    await nats.flush();
    return identity;
  }

  close(): Promise<void> {
    return closeNats(this.nats);
  }

  /** Identity knows this of a user before the event has arrived at the service. */
  async knows(user: { accountId: string; userId: string }, more: Partial<Known['profile']>): Promise<void> {
    const [stored] = await this.stored(user.accountId, [user.userId], []);
    const { seq = 0, lifecycleVersion = 0, activeSince = 1, profile = NEW } = stored ?? {};
    const left = more.status !== undefined && more.status !== profile.status ? 1 : 0;
    this.ahead.set(user.userId, {
      accountId: user.accountId,
      userId: user.userId,
      seq: seq + 1,
      lifecycleVersion: Math.max(1, lifecycleVersion + left),
      activeSince,
      profile: { ...profile, ...more },
    });
  }

  /** What a user was called, for the user's deletion. */
  remembers({ userId }: { userId: string }, called: readonly string[]): void {
    const salt = randomUUID();
    const digestOf = (identifier: string) =>
      createHash('sha256')
        .update(`${salt}:${foldCase(identifier)}`)
        .digest('hex');
    this.identifiers.set(userId, { salt, digests: called.map(digestOf) });
  }

  private async answer(message: Msg): Promise<void> {
    this.asked += 1;
    const {
      accountId,
      userIds,
      staffIds = [],
    } = message.json<{
      data: { accountId: string; userIds: string[]; staffIds?: string[] };
    }>().data;
    const stored = await this.stored(accountId, userIds, staffIds);
    const known = new Map([...stored.map((one) => [one.userId, one] as const), ...this.ahead]);
    const people = [...known.values()].filter(
      (one) =>
        one.accountId === accountId && (userIds.includes(one.userId) || staffIds.includes(one.profile.staffId ?? '')),
    );
    const answered = people.map((one) => {
      const identifiers = this.identifiers.get(one.userId);
      return { ...one, ...(identifiers && { identifiers: [identifiers] }) };
    });
    message.respond(JSON.stringify({ response: { people: answered }, isDisposed: true, id: '0' }));
  }

  private async stored(accountId: string, userIds: string[], staffIds: string[]): Promise<Known[]> {
    const { rows } = await sql<Pick<Known, 'userId' | 'seq' | 'lifecycleVersion'> & Known['profile']>`
      select user_id as "userId", seq::float8, lifecycle_version::float8 as "lifecycleVersion", name, staff_id as "staffId",
        status, is_manager as "isManager", team_ids as "teamIds", user_created_at as "createdAt",
        redaction_label as "redactionLabel", legal_hold as "legalHold" from directory
      where account_id = ${accountId} and (user_id = any(${userIds}::uuid[]) or staff_id = any(${staffIds}::text[]))`.execute(
      this.em().getKysely(),
    );
    return rows.map(({ userId, seq, lifecycleVersion, ...profile }) => ({
      ...{ accountId, userId, seq, lifecycleVersion, activeSince: 1, profile },
    }));
  }
}

const NEW: Known['profile'] = {
  name: 'Robin Example',
  staffId: null,
  status: 'active',
  isManager: false,
  teamIds: [],
  createdAt: '2026-01-01T00:00:00.000Z',
  redactionLabel: 'plain',
  legalHold: false,
};
