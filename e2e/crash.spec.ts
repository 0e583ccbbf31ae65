import { anAccount, belongings, contactsCsv, type Cast } from './support/cast.js';
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
    processes = await Processes.start();
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
});
