import { setTimeout as pause } from 'node:timers/promises';
import type { Company, Person } from './company.js';
import type { Random } from './random.js';
import type { Servers } from './servers.js';

/** How often each thing is done, in proportion. */
const WEIGHTS = {
  deactivate: 14,
  reactivate: 12,
  delete: 4,
  chat: 30,
  automation: 8,
  run: 6,
  import: 6,
  coOwner: 3,
  hire: 2,
};
const AGENTS = 6;
const PAUSE = 30;

/** What goes on in a company while everything breaks; the same for the same seed, up to what the faults make of it. */
export class Workload {
  /** Visitors whose chats have been confirmed. */
  readonly confirmed = new Set<string>();
  /** How often the API has refused, or answered, what. */
  readonly answers = new Map<string, number>();
  private readonly automations: string[] = [];
  private readonly gone = new Set<string>();
  private second?: Person;
  private stopped = false;
  private visitors = 0;
  private running: Promise<void>[] = [];

  constructor(
    readonly company: Company,
    private readonly random: Random,
  ) {}

  async prepare(): Promise<void> {
    this.second = await this.company.hire('owner');
    for (let n = 0; n < AGENTS; n++) await this.company.hire();
    await this.company.import(this.company.agents, 12);
  }

  /** Goes on until `stop`, some things at the same time. */
  start(width = 2): void {
    this.running = Array.from({ length: width }, () => this.goOn(this.random.branch()));
  }

  /** @throws Error when something has been answered that the API never answers */
  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.running);
  }

  /** Chats that were confirmed and are not there, or there twice. */
  async lostOrDoubled(servers: Servers): Promise<string[]> {
    const rows = await servers.query<{ visitor: string; n: number }>(
      'messaging',
      'select visitor, count(*)::int as n from live_chat where account_id = $1 group by visitor',
      [this.company.accountId],
    );
    const there = new Map(rows.map(({ visitor, n }) => [visitor, n]));
    return [
      ...[...this.confirmed].filter((visitor) => !there.has(visitor)).map((visitor) => `${visitor}'s chat is lost`),
      ...rows.filter(({ n }) => n > 1).map(({ visitor, n }) => `${visitor} has ${n} chats`),
    ];
  }

  private async goOn(random: Random): Promise<void> {
    while (!this.stopped) {
      const what = random.weighted(WEIGHTS);
      const status = await this[what](random);
      if (status === undefined) continue;
      this.answers.set(`${what} ${status}`, (this.answers.get(`${what} ${status}`) ?? 0) + 1);
      await pause(random.below(PAUSE));
    }
  }

  private async deactivate(random: Random) {
    return (await this.company.decide(this.anybody(random), 'deactivate')).status;
  }

  private async reactivate(random: Random) {
    return (await this.company.decide(this.anybody(random), 'reactivate')).status;
  }

  private async delete(random: Random) {
    const userId = this.anybody(random);
    const { status } = await this.company.decide(userId, 'delete');
    if (status === 202) this.gone.add(userId);
    return status;
  }

  /** Of somebody who may have left, or be leaving at this moment. */
  private async chat(random: Random) {
    const visitor = `Visitor ${++this.visitors} of ${this.company.accountId}`;
    const { status } = await this.company.chat(visitor, this.anybody(random));
    if (status === 201) this.confirmed.add(visitor);
    return status;
  }

  private async automation(random: Random) {
    const { status, body } = await this.company.automation(this.anybody(random));
    if (status === 201) this.automations.push(body.id as string);
    return status;
  }

  private async run(random: Random) {
    if (this.automations.length === 0) return undefined;
    const path = `/v1/automations/${random.pick(this.automations)}/runs`;
    return (await this.company.ask('POST', path, { userId: this.anybody(random) })).status;
  }

  private async import(random: Random) {
    return (await this.company.import([random.pick(this.company.agents), random.pick(this.company.agents)], 12)).status;
  }

  /** The other owner leaves, and comes back. */
  private async coOwner() {
    const { company } = this;
    const { status } = await company.decide(this.second!.id, 'deactivate');
    if (status === 202) await company.decide(this.second!.id, 'reactivate');
    return status;
  }

  private async hire() {
    if (this.company.agents.length - this.gone.size >= AGENTS) return undefined;
    return (await this.company.hire()).id ? 201 : 0;
  }

  private anybody(random: Random): string {
    return random.pick(this.company.agents).id;
  }
}
