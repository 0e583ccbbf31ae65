import { setInterval } from 'node:timers/promises';
import { eventually } from '#libs/test-kit';
import { anAccount, belongings, contactsCsv, PASSWORD, type Cast } from './support/cast.js';
import { counts, linesOf, over, type Departure } from './support/departures.js';
import { PARTS } from './support/foundation.js';
import { Processes } from './support/processes.js';

const PROCESSES = [...PARTS.map((part) => part.name), 'gateway'];

interface Leaver {
  cast: Cast;
  previewed: Record<string, number>;
}

/** Processes are killed during a departure. After a restart the departure completes, and each effect has happened once. */
describe('departures survive', () => {
  let processes: Processes;
  let people = 0;

  beforeAll(async () => {
    processes = await Processes.start({ settings: { LEAVER_FAILPOINTS: 'on' } });
  }, 90_000);
  afterAll(() => processes?.stop());

  const aLeaver = async (): Promise<Leaver> => {
    const cast = await anAccount(processes, 'texting');
    const imported = await cast.ada.api.upload('/v1/contact-imports', contactsCsv([cast.ada, cast.ben], 200));
    expect(imported).toMatchObject({ status: 'completed', created: 200 });
    await belongings(cast, 100 + people++);
    const preview = await cast.owner.api.get<{ rules: [] }>(
      `/v1/users/${cast.ada.id}/departure-preview?transition=deleted`,
    );
    return { cast, previewed: counts(preview.rules) };
  };
  const leave = ({ cast }: Leaver) => cast.owner.api.post<Departure>(`/v1/users/${cast.ada.id}/delete`);
  const killAndRestart = async (name: string) => {
    await processes.kill(name);
    await processes.run(name);
  };
  const hasLeftOnce = async ({ cast, previewed }: Leaver, accepted: Departure) => {
    const departure = await over(cast.owner.api, accepted, 60_000);
    expect(departure.status).toBe('completed');
    expect(counts(linesOf(departure))).toEqual(previewed);
    expect(linesOf(departure).filter((line) => line.remaining !== 0)).toEqual([]);
    expect(previewed).toMatchObject({
      'deleted contacts.assignments': 100,
      'deactivated messaging.live-chats': 3,
      'deactivated automations.owned': 1,
    });
  };

  it('kill -9 of each service in turn', async () => {
    const leavers = await Promise.all(PROCESSES.map(aLeaver));
    const accepted: Departure[] = [];
    for (const [index, name] of PROCESSES.entries()) {
      accepted.push(await leave(leavers[index]!));
      await killAndRestart(name);
    }
    await Promise.all(leavers.map((leaver, index) => hasLeftOnce(leaver, accepted[index]!)));
  }, 120_000);

  it('kill -9 of all processes at once', async () => {
    const leaver = await aLeaver();
    const accepted = await leave(leaver);
    await Promise.all(PROCESSES.map(killAndRestart));
    await hasLeftOnce(leaver, accepted);
  }, 120_000);

  it('no gateway accepts a token a second after its session ended, if identity died before it announced the end', async () => {
    const urls = [processes.url, await processes.anotherGateway()];
    const { owner, ada } = await anAccount(processes, 'texting');
    const login = { email: ada.email, password: PASSWORD };
    const statusOf = async (url: string, token: string) =>
      (await fetch(`${url}/v1/me`, { headers: { authorization: `Bearer ${token}` } })).status;
    const ends: Record<string, (token: string) => Promise<unknown>> = {
      'a logout': (token) => processes.api(token).post('/v1/auth/logout'),
      'a departure': () => owner.api.post(`/v1/users/${ada.id}/deactivate`),
    };
    for (const [what, end] of Object.entries(ends)) {
      const { accessToken } = await processes.api().post<{ accessToken: string }>('/v1/auth/login', login);
      for (const url of urls) await eventually(async () => expect(await statusOf(url, accessToken)).toBe(200));
      processes.strike('identity', { failpoint: 'session.announce', action: 'kill', code: '' });
      // Its answer never arrives.
      const call = end(accessToken).catch(() => undefined);
      await processes.ended('identity');
      const diedAt = performance.now();
      const accepted: string[] = [];
      let restarted: Promise<void> | undefined;
      const asks = urls.map(async (url) => {
        // Asks often, but leaves the cores to what is under test.
        for await (const _ of setInterval(20)) {
          const after = Math.round(performance.now() - diedAt);
          if (after > 4_000) return;
          if (after > 2_500) restarted ??= processes.run('identity');
          if ((await statusOf(url, accessToken)) === 200 && after > 1_000)
            accepted.push(`${what}: ${after} ms, ${url}`);
        }
      });
      await Promise.all(asks);
      await restarted;
      await call;
      expect(accepted).toEqual([]);
      for (const url of urls) await eventually(async () => expect(await statusOf(url, accessToken)).toBe(401));
    }
  }, 90_000);
});
