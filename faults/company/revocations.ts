import { setTimeout as pause } from 'node:timers/promises';
import type { Answer } from './client.js';
import type { Company, Person } from './company.js';

/** Whose tokens end. */
const WAYS = ['a session', 'a user with another role', 'a suspended user', 'a user whose sessions were ended'] as const;
type Way = (typeof WAYS)[number];

/** Milliseconds after which no gateway accepts the token of an ended session. */
const REFUSED_AFTER_MS = 1_000;
/** How long a token is tried after that. */
const TRIED_FOR_MS = 2_000;
const PROBE_EVERY_MS = 100;

const accepted = () => true;
const refused = () => false;

/** Ends sessions all the time and tries their tokens afterwards. */
export class Revocations {
  readonly violations: string[] = [];
  /** How many tokens were tried. */
  ended = 0;
  private stopping = false;
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly company: Company) {}

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.running;
  }

  private async run(): Promise<void> {
    const person = await this.company.hire('owner');
    while (!this.stopping) await this.endAndTry(person);
  }

  private async endAndTry(person: Person): Promise<void> {
    const token = await this.company.signIn(person).catch(() => undefined);
    if (token === undefined || (await this.statusOf(token)) !== 200) return this.resume(person);
    const way = WAYS[this.ended % WAYS.length]!;
    const { status } = await this.end(way, token, person);
    // A repetition of a logout whose answer was lost is refused.
    if (status === 0 || status >= 500) return;
    this.ended++;
    await this.tryFor(token, way);
    if (way !== 'a suspended user') return;
    if (await this.company.signIn(person).then(accepted, refused))
      this.violations.push('a suspended user has signed in');
    await this.resume(person);
  }

  private async end(way: Way, token: string, person: Person): Promise<Pick<Answer, 'status'>> {
    const path = `/v1/users/${person.id}`;
    switch (way) {
      case 'a session':
        return this.company.askAs(token, 'POST', '/v1/auth/logout');
      case 'a user with another role':
        return this.company.ask('PATCH', path, { roles: await this.otherRoles(person) });
      case 'a suspended user':
        return this.company.decide(person.id, 'suspend');
      case 'a user whose sessions were ended':
        return this.company.ask('DELETE', `${path}/sessions`);
    }
  }

  /** Until it succeeds: nobody else lets the person in again. */
  private async resume({ id }: Person): Promise<void> {
    while (!this.stopping && (await this.company.decide(id, 'resume')).status !== 200) await pause(PROBE_EVERY_MS);
  }

  private async tryFor(token: string, way: Way): Promise<void> {
    const at = performance.now();
    await pause(REFUSED_AFTER_MS);
    while (performance.now() < at + REFUSED_AFTER_MS + TRIED_FOR_MS) {
      const after = Math.round(performance.now() - at);
      if ((await this.statusOf(token)) === 200) {
        this.violations.push(`a token of ${way} was accepted ${after} ms after its end`);
        return;
      }
      await pause(PROBE_EVERY_MS);
    }
  }

  /**
   * Roles that take the present one away, which ends the user's tokens. An earlier change may have been made although its
   * answer was lost.
   */
  private async otherRoles({ id }: Person): Promise<string[]> {
    const { body } = await this.company.ask('GET', `/v1/users/${id}`);
    return (body.roles as string[] | undefined)?.includes('owner') ? ['admin'] : ['owner'];
  }

  /** One request without retries; 0 if there is no answer. */
  private async statusOf(token: string): Promise<number> {
    const headers = { authorization: `Bearer ${token}` };
    return fetch(`${this.company.url}/v1/me`, { headers, signal: AbortSignal.timeout(5_000) }).then(
      async (answer) => (await answer.arrayBuffer(), answer.status),
      () => 0,
    );
  }
}
