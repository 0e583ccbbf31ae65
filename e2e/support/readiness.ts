import { randomUUID } from 'node:crypto';
import { eventually } from '#libs/test-kit';
import { Api, type Json } from './api.js';
import { PARTICIPANTS } from './foundation.js';

const withRules = PARTICIPANTS.map(({ name }) => name).sort();

/** Waits until all services have declared their rules. Identity waits only for receipts of services that have. */
export async function allIntroduced(url: string): Promise<void> {
  const patience = { timeout: 30_000 };
  await eventually(async () => expect((await fetch(`${url}/health/ready`)).status).toBe(200), patience);
  const owner = {
    name: 'Nobody',
    email: `ready-${randomUUID()}@example.com`,
    password: 'correct horse battery',
    staffId: 'R',
  };
  const account = await eventually(() => new Api(url).post('/v1/accounts', { name: 'Readiness', owner }), patience);
  await eventually(async () => {
    const { items } = await new Api(url, account.accessToken as string).get<{ items: Json[] }>('/v1/rules');
    expect([...new Set(items.map((rule) => rule.service))].sort()).toEqual(withRules);
  }, patience);
}
