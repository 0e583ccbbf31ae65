import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type RuleDeclaration, type RuleDescription } from '#libs/contracts';
import { Clock } from '#libs/database';
import { sql } from 'kysely';
import { droppedFrom, merged } from './dropped-rules.js';

/** The order of services in the catalogue. Others follow. */
const ORDER = [
  'identity',
  'contacts',
  'messaging',
  'telephony',
  'automations',
  'integrations',
  'insights',
  'notifications',
];

/** Rules that an operator has not confirmed to end count. */
const hasRules = (row: string) => sql`(${sql.ref(row)}.rules <> '[]' or ${sql.ref(row)}.dropped <> '[]')`;

/** The rules that all services have declared. */
@Injectable()
export class Catalogue {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
  ) {}

  /**
   * Replaces the rules of a service. Rules that it declared before and does not declare any more stay in the catalogue until an
   * operator confirms that they end: otherwise departures would complete without them. A new service first loads the directory. When a service has its first rules, it processes
   * the departures of users who left before (`departures/decide/onboarding`).
   * @returns whether the service still has to report that its directory is complete
   * @param sender the service that has signed the declaration
   * @throws Problem `forbidden` if it declares for another one, `validation` if a rule does not belong to the service
   */
  async declare({ service, rules, acquainted = false }: RuleDeclaration, sender: string): Promise<boolean> {
    if (service !== sender) throw new Problem('forbidden', { detail: 'A service declares its own rules only.' });
    const foreign = rules.filter((rule) => rule.service !== service || !rule.id.startsWith(`${service}.`));
    if (foreign.length > 0) {
      const message = `${foreign.map((rule) => rule.id).join(', ')}: not rules of ${service}`;
      throw new Problem('validation', { errors: [{ field: 'rules', message }] });
    }
    const db = this.em.getKysely();
    await this.replace(service, rules);
    await this.recordContact(service);
    if (acquainted)
      await sql`update service_rules set joining = 'catching-up' where service = ${service} and joining = 'meeting'`.execute(
        db,
      );
    const { rows } = await sql`select from service_rules where service = ${service} and joining = 'meeting'`.execute(
      db,
    );
    return rows.length > 0;
  }

  /** Ordered by service, and within a service as in its rules file. */
  async rules(): Promise<RuleDescription[]> {
    const { rows } = await sql<{ service: string; rules: RuleDescription[]; dropped: RuleDescription[] }>`
      select service, rules, dropped from service_rules order by service`.execute(this.em.getKysely());
    return rows
      .sort((one, other) => placeOf(one.service) - placeOf(other.service))
      .flatMap(({ rules, dropped }) => merged(rules, dropped).sort((one, other) => one.position - other.position));
  }

  /** The rules that these services have dropped and that nobody has confirmed, by service. */
  async dropped(services: readonly string[]): Promise<Map<string, RuleDescription[]>> {
    const { rows } = await sql<{ service: string; dropped: RuleDescription[] }>`
      select service, dropped from service_rules
      where service = any(${[...services]}::text[]) and dropped <> '[]'`.execute(this.em.getKysely());
    return new Map(rows.map(({ service, dropped }) => [service, dropped]));
  }

  /** Identity's own rules end with the release that ends them. */
  private async replace(service: string, rules: readonly RuleDescription[]): Promise<void> {
    const db = this.em.getKysely();
    const { rows: found } = await sql<{ rules: RuleDescription[]; dropped: RuleDescription[] }>`
      select rules, dropped from service_rules where service = ${service}`.execute(db);
    const known = found[0] ?? { rules: [], dropped: [] };
    const own = service === 'identity';
    const dropped = JSON.stringify(own ? [] : droppedFrom(merged(known.rules, known.dropped), rules));
    const isFirst = sql`not ${own}::boolean and not (${hasRules('known')}) and excluded.rules <> '[]'`;
    const stored = await sql`
      insert into service_rules as known (service, rules, joining)
      values (${service}, ${JSON.stringify(rules)}::jsonb, ${own ? null : 'meeting'})
      on conflict (service) do update set rules = excluded.rules, dropped = ${dropped}::jsonb,
        joining = case when ${isFirst} then 'meeting' else known.joining end,
        joining_since = case when ${isFirst} then null else known.joining_since end,
        joining_cursor = case when ${isFirst} then null else known.joining_cursor end,
        dropped_at = case when ${dropped}::jsonb = '[]' then null else coalesce(known.dropped_at, ${this.clock.now()}::timestamptz) end
      where (known.rules <> excluded.rules or known.dropped <> ${dropped}::jsonb)
        and known.rules = ${JSON.stringify(known.rules)}::jsonb and known.dropped = ${JSON.stringify(known.dropped)}::jsonb`.execute(
      db,
    );
    if (stored.numAffectedRows || own) return;
    const { rows: same } = await sql`
      select from service_rules where service = ${service} and rules = ${JSON.stringify(rules)}::jsonb`.execute(db);
    // Another replica has declared other rules meanwhile. The service declares again at once.
    if (same.length === 0) throw new Problem('conflict', { detail: 'The rules have changed meanwhile.' });
  }

  /** A declaration does not wait for the onboarding of the service, which holds the row. */
  private async recordContact(service: string): Promise<void> {
    const db = this.em.getKysely();
    await sql`
      update service_rules set heard_at = ${this.clock.now()} where service = (
        select service from service_rules where service = ${service} for no key update skip locked)`.execute(db);
    await sql`delete from retired_service where service = ${service}`.execute(db);
  }

  /** The services that take part in departures, without identity. A service without rules gets the events and is not waited for. */
  async participants(): Promise<string[]> {
    const { rows } = await sql<{ service: string }>`
      select r.service from service_rules r where r.service <> 'identity' and ${hasRules('r')} order by r.service`.execute(
      this.em.getKysely(),
    );
    return rows.map((row) => row.service);
  }

  /** All services that have declared themselves, also those without rules, without identity. */
  async otherServices(): Promise<string[]> {
    const { rows } = await sql<{ service: string }>`
      select service from service_rules where service <> 'identity' order by service`.execute(this.em.getKysely());
    return rows.map((row) => row.service);
  }
}

const placeOf = (service: string): number => (ORDER.includes(service) ? ORDER.indexOf(service) : ORDER.length);
