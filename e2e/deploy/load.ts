import { eventually } from '#libs/test-kit';
import type { Json } from '../support/api.js';
import { PASSWORD, type Cast } from '../support/cast.js';
import { counts, linesOf, over, type Departure } from '../support/departures.js';
import type { RetryingClient } from './retrying-client.js';

/** Nothing is left of users who have left, and the audit trail is unbroken. */
export async function verify({ owner }: Cast): Promise<void> {
  const { id } = await owner.api.post('/v1/departures/verify');
  const verified = await eventually(
    async () => {
      const verification = await owner.api.get(`/v1/departures/verify/${id}`);
      expect(verification.status).toBe('completed');
      return verification;
    },
    { timeout: 30_000 },
  );
  expect(verified).toMatchObject({ broken: [] });
  expect(await owner.api.get('/v1/audit/verify')).toMatchObject({ valid: true });
}

/** Users who are created and leave while something happens to the containers. */
export class Load {
  private readonly workers: Promise<void>[] = [];
  private running = true;
  readonly accepted: Departure[] = [];
  readonly dashboards = new Set<string>();

  constructor(
    private readonly client: RetryingClient,
    private readonly cast: Cast,
    count: number,
  ) {
    for (let worker = 0; worker < count; worker++) this.workers.push(this.work(worker));
    // stop() reports their errors.
    for (const worker of this.workers) worker.catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.running = false;
    await Promise.all(this.workers);
  }

  private async work(worker: number): Promise<void> {
    const domain = this.cast.owner.email.split('@')[1];
    for (let n = 0; this.running; n++) {
      const name = `load-${worker}-${n}`;
      const person = { name, email: `${name}@${domain}`, password: PASSWORD, staffId: name, roles: ['agent'] };
      const { id } = await this.client.send('POST', '/v1/users', person);
      const dashboard = { name, shared: true, ownerId: id };
      this.dashboards.add((await this.client.send('POST', '/v1/dashboards', dashboard)).id as string);
      await this.client.send('POST', '/v1/live-chats', { visitor: 'Somebody', operatorId: id });
      for (const path of ['contacts', 'numbers', 'automations', 'apps']) await this.client.send('GET', `/v1/${path}`);
      this.accepted.push(await this.client.send<Departure>('POST', `/v1/users/${id}/deactivate`, {}));
    }
  }

  /** Every accepted departure is completed, with one dashboard and one chat each. */
  async checkNothingLost(): Promise<void> {
    for (const accepted of this.accepted) {
      const departure = await over(this.cast.owner.api, accepted, 60_000);
      expect(departure).toMatchObject({ status: 'completed' });
      expect(counts(linesOf(departure))).toMatchObject({
        'deactivated insights.shared-dashboards': 1,
        'deactivated messaging.live-chats': 1,
      });
    }
    const shared = await this.cast.owner.api.all<Json>('/v1/dashboards');
    const own = shared.filter(({ name }) => String(name).startsWith('load-')).map(({ id }) => id as string);
    expect(own.sort()).toEqual([...this.dashboards].sort());
    expect(shared.filter(({ ownerId }) => ownerId !== this.cast.owner.id)).toEqual([]);
    await verify(this.cast);
  }
}
