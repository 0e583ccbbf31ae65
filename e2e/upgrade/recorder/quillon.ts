import type { Departure } from '../../support/departures.js';
import { Company } from './company.js';

/** A software company's support, preset helpdesk. Its last day leaves departures unfinished in several ways. */
export class Quillon extends Company {
  async deleteSamuel(): Promise<void> {
    const owner = await this.asOwner();
    const departure = await this.world.leave(owner, this.id.samuel!, 'delete', { reason: 'New job' });
    const { jws } = await owner.get<{ jws: string }>(`/v1/departures/${departure.id}/certificate`);
    this.facts.certificates!.push({ ...this.subject('samuel', departure), jws });
  }

  /** Nora is deactivated and reactivated while a service is stopped, so the first departure is superseded. */
  async supersede(): Promise<void> {
    const { system, checkout } = this.world;
    await system.stopOne('insights');
    const owner = await this.asOwner();
    const departure = await owner.post<Departure>(`/v1/users/${this.id.nora}/deactivate`);
    const back = await owner.post<Departure>(`/v1/users/${this.id.nora}/reactivate`);
    await system.startOne('insights');
    await checkout.over(owner, back);
    const status = await this.statusOf(departure);
    if (status !== 'superseded') throw new Error(`the departure before the return is ${status}`);
  }

  /** Priya's private email and number have delayed effects, which are due after the recording. */
  async delayEffects(): Promise<void> {
    await this.writePrivately('priya');
    const numberId = await this.numberFor('priya', '+13125550191');
    const overrides = { 'telephony.numbers': { action: 'release-after', days: 30 } };
    const departure = await this.world.leave(await this.asOwner(), this.id.priya!, 'deactivate', { overrides });
    const due = this.world.checkout.linesOf(departure).flatMap(({ dueAt }) => dueAt ?? []);
    if (due.length !== 2) throw new Error(`${due.length} effects wait instead of 2`);
    this.facts.delayed = { ...this.subject('priya', departure), numberId, dueAt: due.sort().at(-1)! };
  }

  async subscribeWebhook(): Promise<void> {
    const events = ['departure.started', 'departure.completed', 'departure.failed', 'departure.scheduled'];
    const url = 'https://hooks.example.com/departures';
    const owner = await this.asOwner();
    const { id, secret } = await owner.post<{ id: string; secret: string }>('/v1/webhooks', { url, events });
    this.facts.webhook = { owner: this.owner, id, secret };
  }

  /**
   * Automations gives up on Olivier and is still retrying Hana and Uma. For Hana it retries the whole event; for Uma, who
   * leaves in one batch with Vera, only the step that fails.
   */
  async failAndRetry(): Promise<void> {
    await this.hire('Uma', 'Q-21');
    await this.hire('Vera', 'Q-22');
    const automationIds = {
      olivier: await this.automationOf('olivier'),
      hana: await this.automationOf('hana'),
      uma: await this.automationOf('uma'),
    };
    await this.withBrokenAutomations(async () => {
      const olivier = await this.giveUp();
      this.facts.failed = { ...this.subject('olivier', olivier), automationId: automationIds.olivier };
      const { hana, uma } = await this.keepRetrying();
      this.facts.retrying = [
        { ...this.subject('hana', hana), automationId: automationIds.hana },
        { ...this.subject('uma', uma), automationId: automationIds.uma },
      ];
    });
  }

  private automationOf(name: string): Promise<string> {
    return this.own(name, '/v1/automations', { name: 'Close after 3 quiet days', trigger: { kind: 'any' } });
  }

  private async withBrokenAutomations(work: () => Promise<void>): Promise<void> {
    const inAutomations = (sql: string) => this.world.query('automations', sql);
    await inAutomations(
      `create function refuse() returns trigger language plpgsql as 'begin raise exception ''broken''; end'`,
    );
    await inAutomations('create trigger broken before update on automation for each row execute function refuse()');
    await work();
    await inAutomations('drop trigger broken on automation');
    await inAutomations('drop function refuse');
  }

  private async giveUp(): Promise<Departure> {
    const departure = await this.deactivate('olivier');
    await this.triesUntil(async () => (await this.statusOf(departure)) === 'failed');
    return departure;
  }

  private async keepRetrying(): Promise<{ hana: Departure; uma: Departure }> {
    const owner = await this.asOwner();
    const hana = await this.deactivate('hana');
    const users = [{ userId: this.id.uma }, { userId: this.id.vera }];
    await owner.post('/v1/departures/bulk', { transition: 'deactivated', users });
    const rows = (sql: string, name: string) => this.world.query('automations', sql, [this.id[name]]);
    const event = `select from inbox where user_id = $1 and status = 'retry' and attempts = 6`;
    await this.triesUntil(async () => (await rows(event, 'hana')).length === 1);
    const step = 'select from task where user_id = $1 and attempts > 0';
    if ((await rows(step, 'uma')).length !== 1) throw new Error('automations does not retry a single step');
    const found = await (await this.asOwner()).get<{ items: Departure[] }>(`/v1/departures?userId=${this.id.uma}`);
    return { hana, uma: found.items[0]! };
  }

  private async deactivate(name: string): Promise<Departure> {
    return (await this.asOwner()).post<Departure>(`/v1/users/${this.id[name]}/deactivate`);
  }

  private async statusOf({ id }: Departure): Promise<string> {
    return (await (await this.asOwner()).get<Departure>(`/v1/departures/${id}`)).status;
  }

  /** Moves the clock by a quarter of an hour at a time: between two tries there is an hour at most. */
  private async triesUntil(isReached: () => Promise<boolean>): Promise<void> {
    const { system, checkout } = this.world;
    await checkout.eventually(
      async () => {
        if (await isReached()) return true;
        system.advanceDays(1 / 96);
        return false;
      },
      { timeout: 60_000, interval: 300 },
    );
  }

  /** Diego and Wanda leave while telephony is stopped. Wanda's event is removed from the broker before the dump. */
  async interrupt(): Promise<void> {
    const { system } = this.world;
    const owner = await this.asOwner();
    const numberId = await this.numberFor('diego', '+13125550192');
    await this.hire('Wanda', 'Q-23');
    await this.isKnownTo('telephony', 'wanda');
    await system.stopOne('telephony');
    this.facts.revokedToken = await this.tokenOf('diego');
    const overrides = { 'telephony.numbers': 'transfer' };
    const successors = { 'telephony.numbers': this.id.nora };
    const diego = await owner.post<Departure>(`/v1/users/${this.id.diego}/deactivate`, { overrides, successors });
    const wanda = await owner.post<Departure>(`/v1/users/${this.id.wanda}/deactivate`);
    for (const departure of [diego, wanda]) await this.waitsFor('telephony', departure);
    this.facts.unfinished = { ...this.subject('diego', diego), numberId, successorId: this.id.nora! };
    this.facts.unpublished = this.subject('wanda', wanda);
  }

  private async numberFor(name: string, e164: string): Promise<string> {
    const number = { e164, kind: 'personal', ownerId: this.id[name] };
    return (await (await this.asOwner()).post('/v1/numbers', number)).id as string;
  }

  private async isKnownTo(service: string, name: string): Promise<void> {
    const person = 'select from directory where user_id = $1';
    await this.world.checkout.eventually(
      async () => (await this.world.query(service, person, [this.id[name]])).length === 1,
    );
  }

  /** Waits until all other services have answered. */
  private async waitsFor(service: string, { id }: Departure): Promise<void> {
    const owner = await this.asOwner();
    await this.world.checkout.eventually(async () => {
      const { services } = await owner.get<Departure>(`/v1/departures/${id}`);
      const waiting = services.filter(({ status }) => status !== 'completed').map((one) => one.service);
      return waiting.length === 1 && waiting[0] === service;
    });
  }
}
