import type { Api, Json } from '../../support/api.js';
import type { Facts } from '../recording.js';
import type { World } from './world.js';

/** One of the four accounts. It adds what the test has to know of it to the facts. */
export abstract class Company {
  constructor(
    protected readonly world: World,
    protected readonly facts: Partial<Facts>,
    readonly preset: string,
  ) {}

  protected id!: Record<string, string>;
  protected email!: Record<string, string>;
  owner = '';

  /** Opens the account with its demo data. Its people are known by their first names. */
  async open(): Promise<void> {
    const { demoAccounts, openAccount } = this.world.checkout;
    const spec = demoAccounts.find(({ preset }) => preset === this.preset)!;
    const { owner, leaver, colleagues } = await openAccount(this.world.system.url, spec);
    const people = [owner, leaver, ...colleagues];
    const firstName = ({ email }: { email: string }) => email.split(/[.@]/)[0]!;
    this.id = Object.fromEntries(people.map((person) => [firstName(person), person.user.id]));
    this.email = Object.fromEntries(people.map((person) => [firstName(person), person.email]));
    this.owner = owner.email;
    await (await this.asOwner()).patch('/v1/account', { seats: 40 });
  }

  /** The access token of a new session. */
  protected async tokenOf(name: string): Promise<string> {
    const { system, checkout } = this.world;
    const login = { email: this.email[name], password: checkout.DEMO_PASSWORD };
    return (await system.api().post('/v1/auth/login', login)).accessToken as string;
  }

  protected asOwner = (): Promise<Api> => this.world.as(this.owner);
  protected as = (name: string): Promise<Api> => this.world.as(this.email[name]!);

  protected subject = (name: string, { id }: { id: string }) => ({
    owner: this.owner,
    userId: this.id[name]!,
    departureId: id,
  });

  /** A person whose departures are left to the test. */
  protected hasNotLeft(name: string, successor: string): void {
    const { preset, owner, id } = this;
    this.facts.newcomers!.push({ preset, owner, userId: id[name]!, successorId: id[successor]! });
  }

  /** @returns the id of the new user, who is known by this first name from then on */
  protected async hire(firstName: string, staffId: string): Promise<string> {
    const name = firstName.toLowerCase();
    const email = `${name}@${this.owner.split('@')[1]}`;
    const password = this.world.checkout.DEMO_PASSWORD;
    const user = { name: `${firstName} Newhouse`, email, staffId, password, roles: ['agent'] };
    this.email[name] = email;
    this.id[name] = (await (await this.asOwner()).post('/v1/users', user)).id as string;
    return this.id[name];
  }

  /** Gives the person a private email, which a departure deletes after thirty days. */
  protected async writePrivately(name: string): Promise<void> {
    const api = await this.as(name);
    const record = await api.post('/v1/records', { type: 'lead', title: 'Met at the fair' });
    await api.post('/v1/emails', { recordId: record.id, subject: 'Between us', body: 'For my eyes only' });
  }

  protected async own(name: string, path: string, body: Json): Promise<string> {
    return (await (await this.as(name)).post(path, body)).id as string;
  }
}
