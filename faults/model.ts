import fc from 'fast-check';
import { settled, violations } from './checker.js';
import type { Cluster } from './cluster.js';
import { Company, expectStatus, type Person } from './company.js';

const DEEDS = ['deactivate', 'reactivate', 'delete', 'schedule', 'cancel', 'chat'] as const;
type Deed = (typeof DEEDS)[number];

const SETTLE = 60_000;
const A_WEEK = 7 * 86_400_000;

/** All that a person's status can become, without any of the machinery. */
class Model {
  status: 'active' | 'deactivated' | 'deleted' = 'active';
  chats = 0;
  scheduled = false;

  /** @returns the status that the API answers with */
  does(deed: Deed): number {
    switch (deed) {
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
    return 202;
  }
}

/**
 * Sequences of decisions about one person each: the API answers as the model says, and when all has come to rest, everybody
 * is what the model says and nothing breaks a promise.
 * @throws Error with fast-check's seed and the sequence that showed the difference
 */
export async function followsTheModel(cluster: Cluster, { seed, runs }: { seed: number; runs: number }): Promise<void> {
  const company = await Company.found(cluster.url);
  const sequences = fc.array(fc.constantFrom(...DEEDS), { minLength: 2, maxLength: 8 });
  const property = fc.asyncProperty(sequences, (deeds) => unfold(cluster, company, deeds));
  await fc.assert(property, { seed, numRuns: runs, endOnFailure: true });
}

async function unfold(cluster: Cluster, company: Company, deeds: readonly Deed[]): Promise<void> {
  const person = await company.hire();
  const model = new Model();
  const memory = { scheduledId: undefined as string | undefined };
  for (const deed of deeds) {
    if (deed === 'cancel' && !memory.scheduledId) continue;
    const { status, body } = await act(cluster, company, person, deed, memory.scheduledId);
    const expected = model.does(deed);
    if (status !== expected) throw new Error(`${deed}: ${status} ${JSON.stringify(body)}, the model says ${expected}`);
    if (deed === 'schedule' && status === 202) memory.scheduledId = body.id as string;
  }
  await settled(cluster.servers, company.accountId, SETTLE);
  const { body } = expectStatus(await company.ask('GET', `/v1/users/${person.id}`), 200);
  const text = `select count(*)::int as n from live_chat where operator_id = $1 and status = 'open'`;
  const [chats] = await cluster.servers.query<{ n: number }>('messaging', text, [person.id]);
  const is = { status: body.status, chats: chats!.n, wrong: await violations(cluster.servers, company.accountId) };
  const shouldBe = { status: model.status, chats: model.chats, wrong: [] };
  if (JSON.stringify(is) !== JSON.stringify(shouldBe))
    throw new Error(`${JSON.stringify(is)}, the model says ${JSON.stringify(shouldBe)}`);
}

async function act(cluster: Cluster, company: Company, { id }: Person, deed: Deed, scheduledId: string | undefined) {
  switch (deed) {
    case 'schedule': {
      const effectiveAt = new Date(Date.now() + A_WEEK).toISOString();
      return company.ask('POST', `/v1/users/${id}/deactivate`, { effectiveAt });
    }
    case 'cancel':
      return company.ask('POST', `/v1/departures/${scheduledId}/cancel`);
    case 'chat':
      // Another service learns of a decision a moment later.
      await settled(cluster.servers, company.accountId, SETTLE);
      return company.chat('A visitor', id);
    default:
      return company.decide(id, deed);
  }
}
