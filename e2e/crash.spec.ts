import { anAccount, belongings, contactsCsv, type Cast } from './cast.js';
import { counts, linesOf, over, type Departure } from './departures.js';
import { PARTS } from './foundation.js';
import { Processes } from './processes.js';

/** Whatever is killed while somebody leaves: after a restart the departure completes, and each effect has happened once. */
describe('a departure survives', () => {
  let processes: Processes;
  let people = 0;

  beforeAll(async () => {
    processes = await Processes.start();
  }, 90_000);
  afterAll(() => processes?.stop());

  const leavesWhile = async (disturb: () => Promise<void>): Promise<void> => {
    const cast: Cast = await anAccount(processes, 'texting');
    const owner = cast.owner.api;
    await cast.ada.api.upload('/v1/contact-imports', contactsCsv([cast.ada, cast.ben], 200));
    await belongings(cast, 100 + people++);
    const preview = await owner.get<{ rules: [] }>(`/v1/users/${cast.ada.id}/departure-preview?transition=deleted`);
    const accepted = await owner.post<Departure>(`/v1/users/${cast.ada.id}/delete`);
    await disturb();
    const departure = await over(owner, accepted);
    expect(departure.status).toBe('completed');
    expect(counts(linesOf(departure))).toEqual(counts(preview.rules));
    expect(linesOf(departure).filter((line) => line.remaining !== 0)).toEqual([]);
    expect(counts(linesOf(departure))).toMatchObject({
      'deleted contacts.assignments': 100,
      'deactivated messaging.live-chats': 3,
      'deactivated automations.owned': 1,
    });
  };

  it.each(PARTS.map((part) => part.name))(
    'kill -9 of %s',
    (name) =>
      leavesWhile(async () => {
        await processes.kill(name);
        await processes.run(name);
      }),
    60_000,
  );

  it(
    'kill -9 of everybody but the gateway',
    () =>
      leavesWhile(async () => {
        await Promise.all(PARTS.map(({ name }) => processes.kill(name)));
        await Promise.all(PARTS.map(({ name }) => processes.run(name)));
      }),
    90_000,
  );
});
