import { setTimeout as pause } from 'node:timers/promises';
import type { Company, Person } from './company.js';
import type { Random } from '../random.js';
import type { Servers } from '../cluster/servers.js';

/** Relative frequencies of the actions. */
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
const MAX_PAUSE_MS = 30;

/** The activity in an account during a fault run. The seed determines the actions, except where faults change the course. */
export class Workload {
  /** Visitors whose chats have been confirmed. */
  readonly confirmed = new Set<string>();
  /** The number of answers, by action and status. */
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

  /** Runs `width` actions at a time until `stop`. */
  start(width = 2): void {
    this.running = Array.from({ length: width }, () => this.loop(this.random.branch()));
  }

  /** @throws Error if the API has given an unexpected answer */
  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.running);
  }

  /** Confirmed chats that are missing, and chats that exist twice. */
  async lostOrDuplicated(servers: Servers): Promise<string[]> {
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

  private async loop(random: Random): Promise<void> {
    while (!this.stopped) {
      const action = random.weighted(WEIGHTS);
      const status = await this[action](random);
      if (status === undefined) continue;
      this.answers.set(`${action} ${status}`, (this.answers.get(`${action} ${status}`) ?? 0) + 1);
      await pause(random.below(MAX_PAUSE_MS));
    }
  }

  private async deactivate(random: Random) {
    return (await this.company.decide(this.anyAgent(random), 'deactivate')).status;
  }

  private async reactivate(random: Random) {
    return (await this.company.decide(this.anyAgent(random), 'reactivate')).status;
  }

  private async delete(random: Random) {
    const userId = this.anyAgent(random);
    const { status } = await this.company.decide(userId, 'delete');
    if (status === 202) this.gone.add(userId);
    return status;
  }

  /** The operator may have left or be leaving. */
  private async chat(random: Random) {
    const visitor = `Visitor ${++this.visitors} of ${this.company.accountId}`;
    const { status } = await this.company.chat(visitor, this.anyAgent(random));
    if (status === 201) this.confirmed.add(visitor);
    return status;
  }

  private async automation(random: Random) {
    const { status, body } = await this.company.automation(this.anyAgent(random));
    if (status === 201) this.automations.push(body.id as string);
    return status;
  }

  private async run(random: Random) {
    if (this.automations.length === 0) return undefined;
    const path = `/v1/automations/${random.pick(this.automations)}/runs`;
    return (await this.company.ask('POST', path, { userId: this.anyAgent(random) })).status;
  }

  private async import(random: Random) {
    return (await this.company.import([random.pick(this.company.agents), random.pick(this.company.agents)], 12)).status;
  }

  /** Deactivates and reactivates the second owner. */
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

  private anyAgent(random: Random): string {
    return random.pick(this.company.agents).id;
  }
}
