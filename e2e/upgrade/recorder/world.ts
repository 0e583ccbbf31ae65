import pg from 'pg';
import type { Api, Json } from '../../support/api.js';
import type { Departure } from '../../support/departures.js';
import type { System } from '../../support/system.js';
import type { RecordedDeparture } from '../recording.js';
import type { Checkout } from './checkout.js';

const DAY = 86_400_000;

/** The system that is being recorded, and the time that passes in it. */
export class World {
  constructor(
    readonly system: System,
    readonly checkout: Checkout,
  ) {}

  /** Signs in again, because sessions expire when the clock moves by days. */
  as = (email: string): Promise<Api> => this.checkout.signIn(this.system, email, this.checkout.DEMO_PASSWORD);

  inDays = (days: number): string => new Date(this.system.clock.millis() + days * DAY).toISOString();

  /** Moves the clock and waits until every departure that is due then has ended. */
  async pass(days: number): Promise<void> {
    this.system.advanceDays(days);
    await this.checkout.eventually(() => this.isQuiet(), { timeout: 60_000 });
  }

  private async isQuiet(): Promise<boolean> {
    const [row] = await this.query<{ busy: boolean }>(
      'identity',
      `select exists (select from outbox)
        or exists (select from departure where status = 'running')
        or exists (select from departure where status = 'scheduled' and effective_at <= $1) as busy`,
      [this.system.clock.now()],
    );
    return !row!.busy;
  }

  async leave(
    owner: Api,
    userId: string,
    how: 'deactivate' | 'delete' | 'reactivate' | 'convert-to-shared-inbox',
    body: Json = {},
  ): Promise<Departure> {
    const departure = await owner.post<Departure>(`/v1/users/${userId}/${how}`, body);
    const ended = await this.checkout.over(owner, departure, 60_000);
    if (ended.status !== 'completed') throw new Error(`${how} has ${ended.status}: ${JSON.stringify(ended.services)}`);
    return ended;
  }

  /** Runs SQL in a service's database with all rights. */
  async query<T extends Json>(service: string, sql: string, values: unknown[] = []): Promise<T[]> {
    const client = new pg.Client(this.system.databaseUrl(service));
    await client.connect();
    try {
      return (await client.query<T>(sql, values)).rows;
    } finally {
      await client.end();
    }
  }

  /** All departures of an account, as they are now. */
  async departures(owner: Api): Promise<RecordedDeparture[]> {
    const listed = await owner.all<RecordedDeparture>('/v1/departures');
    const read = ({ id }: RecordedDeparture) => owner.get<Departure & RecordedDeparture>(`/v1/departures/${id}`);
    return (await Promise.all(listed.map(read))).map((departure) => {
      const { id, userId, transition, status } = departure;
      const affected = this.checkout.linesOf(departure).reduce((sum, line) => sum + line.affected, 0);
      return { id, userId, transition, status, affected };
    });
  }
}
