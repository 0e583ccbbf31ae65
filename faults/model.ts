import fc from 'fast-check';
import { settled, violations } from './checker.js';
import type { Cluster } from './cluster/cluster.js';
import { Company, expectStatus, WAYS_IN, type Person, type WayIn } from './company/company.js';

const ACTIONS = [
  'deactivate',
  'reactivate',
  'delete',
  'schedule',
  'cancel',
  'chat',
  'transfer',
  'reassign',
  'suspend',
  'resume',
] as const;
type Action = (typeof ACTIONS)[number];

const SETTLE = 60_000;
const A_WEEK = 7 * 86_400_000;

/** Predicts a user's status, open chats and ways in. */
class Model {
  status: 'active' | 'deactivated' | 'deleted' = 'active';
  chats = 0;
  scheduled = false;
  suspended = false;
  /** What has not been ended for good. */
  private readonly credentials = new Set<WayIn>(WAYS_IN);

  get waysIn(): WayIn[] {
    return this.status === 'active' && !this.suspended ? [...this.credentials] : [];
  }

  /** @returns the expected HTTP status */
  apply(action: Action): number {
    switch (action) {
      case 'deactivate':
        return this.status === 'active' ? this.leaves('deactivated') : 409;
      case 'delete':
        return this.status === 'deleted' ? 409 : this.leaves('deleted');
      case 'reactivate':
        if (this.status !== 'deactivated') return 409;
        this.status = 'active';
        return 202;
      case 'schedule':
        if (this.status !== 'active' || this.scheduled) return 409;
        this.scheduled = true;
        return 202;
      case 'cancel':
        if (!this.scheduled) return 409;
        this.scheduled = false;
        return 200;
      case 'transfer':
        if (this.status !== 'active' || this.scheduled) return 409;
        this.suspended = false;
        this.credentials.clear();
        return 200;
      case 'reassign':
        if (this.status !== 'active') return 409;
        this.chats = 0;
        return 202;
      case 'suspend':
        if (this.status !== 'active') return 422;
        this.suspended = true;
        this.credentials.delete('session');
        return 200;
      case 'resume':
        if (this.status !== 'active') return 422;
        this.suspended = false;
        return 200;
      case 'chat':
        if (this.status !== 'active') return 422;
        this.chats += 1;
        return 201;
    }
  }

  private leaves(status: 'deactivated' | 'deleted'): number {
    this.status = status;
    this.chats = 0;
    this.scheduled = false;
    this.suspended = false;
    for (const ended of ['session', 'API token'] as const) this.credentials.delete(ended);
    return 202;
  }
}

/**
 * Runs random sequences of actions on one user each, and compares the API's answers, the final state and the invariants with
 * the model.
 * @throws Error with fast-check's seed and the failing sequence
 */
export async function followsTheModel(cluster: Cluster, { seed, runs }: { seed: number; runs: number }): Promise<void> {
  const company = await Company.create(cluster.url);
  const sequences = fc.array(fc.constantFrom(...ACTIONS), { minLength: 2, maxLength: 8 });
  const property = fc.asyncProperty(sequences, (actions) => runSequence(cluster, company, actions));
  await fc.assert(property, { seed, numRuns: runs, endOnFailure: true });
}

async function runSequence(cluster: Cluster, company: Company, actions: readonly Action[]): Promise<void> {
  const person = await company.hire();
  const tokens = await company.tokensOf(person);
  const model = new Model();
  let scheduledId: string | undefined;
  for (const action of actions) {
    if (action === 'cancel' && !scheduledId) continue;
    const { status, body } = await act(cluster, company, person, action, scheduledId);
    const expected = model.apply(action);
    if (status !== expected)
      throw new Error(`${action}: ${status} ${JSON.stringify(body)}, the model says ${expected}`);
    if (action === 'schedule' && status === 202) scheduledId = body.id as string;
  }
  await settled(cluster.servers, company.accountId, SETTLE);
  const { body } = expectStatus(await company.ask('GET', `/v1/users/${person.id}`), 200);
  const text = `select count(*)::int as n from live_chat where operator_id = $1 and status = 'open'`;
  const [chats] = await cluster.servers.query<{ n: number }>('messaging', text, [person.id]);
  const actual = {
    status: body.status,
    suspended: body.suspendedAt !== null,
    chats: chats!.n,
    waysIn: await company.waysIn(person, tokens),
    wrong: await violations(cluster.servers, company.accountId),
  };
  const { status, suspended, chats: open, waysIn } = model;
  // An access token may have expired meanwhile.
  const expired = waysIn.includes('session') && !actual.waysIn.includes('session');
  const expected = {
    status,
    suspended,
    chats: open,
    waysIn: waysIn.filter((way) => way !== 'session' || !expired),
    wrong: [],
  };
  if (JSON.stringify(actual) !== JSON.stringify(expected))
    throw new Error(`${JSON.stringify(actual)}, the model says ${JSON.stringify(expected)}`);
}

async function act(cluster: Cluster, company: Company, { id }: Person, action: Action, scheduledId?: string) {
  switch (action) {
    case 'schedule': {
      const effectiveAt = new Date(Date.now() + A_WEEK).toISOString();
      return company.ask('POST', `/v1/users/${id}/deactivate`, { effectiveAt });
    }
    case 'cancel':
      return company.ask('POST', `/v1/departures/${scheduledId}/cancel`);
    case 'chat':
      // The messaging service applies a decision a moment later.
      await settled(cluster.servers, company.accountId, SETTLE);
      return company.chat('A visitor', id);
    case 'transfer':
      // It is refused until a reactivation is complete.
      await settled(cluster.servers, company.accountId, SETTLE);
      return company.transfer(id);
    case 'reassign':
      // Likewise until any other decision is complete.
      await settled(cluster.servers, company.accountId, SETTLE);
      return company.reassign(id, ['messaging.live-chats']);
    default:
      return company.decide(id, action);
  }
}
