import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { eventually } from '#libs/test-kit';
import { anAccount, type Cast } from './support/cast.js';
import { over, type Departure } from './support/departures.js';
import { System } from './support/system.js';

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** An external program as in the README: a NATS client without our libraries. */
describe('a subscriber', () => {
  let system: System;
  let cast: Cast;
  let subscriber: ChildProcess;
  let heard = '';

  beforeAll(async () => {
    system = await System.start();
    cast = await anAccount(system, 'texting');
    subscriber = spawn(process.execPath, [file('../examples/subscriber/subscriber.mjs')], {
      env: { PATH: process.env.PATH, NATS_URL: system.brokerUrl('subscriber') },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    subscriber.stdout!.on('data', (text) => (heard += text));
  }, 60_000);
  afterAll(async () => {
    subscriber?.kill();
    await system?.stop();
  });

  it('receives the events of a deactivation and a deletion', async () => {
    const leave = async (how: string) =>
      over(cast.owner.api, await cast.owner.api.post<Departure>(`/v1/users/${cast.dan.id}/${how}`));
    await leave('deactivate');
    await eventually(() => expect(heard).toContain(`user.deactivated ${cast.dan.id} 2`));
    await leave('delete');
    await eventually(() => expect(heard).toContain(`user.deleted ${cast.dan.id} 3`));
  });
});
