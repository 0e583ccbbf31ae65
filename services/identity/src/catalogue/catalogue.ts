import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type RuleDeclaration, type RuleDescription } from '#libs/contracts';
import { Clock } from '#libs/database';
import { sql } from 'kysely';

/** The order of services in the catalogue. Others follow. */
const ORDER = ['identity', 'contacts', 'messaging', 'telephony', 'automations', 'integrations', 'insights'];

/** The rules that all services have declared. */
@Injectable()
export class Catalogue {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
  ) {}

  /**
   * Replaces the rules of a service. A new service first loads the directory and then processes the departures of users
   * who left before (`departures/decide/onboarding`).
   * @returns whether the service still has to report that its directory is complete
   * @throws Problem `validation` if a rule does not belong to the service
   */
  async declare({ service, rules, acquainted = false }: RuleDeclaration): Promise<boolean> {
    const foreign = rules.filter((rule) => rule.service !== service || !rule.id.startsWith(`${service}.`));
    if (foreign.length > 0) {
      const message = `${foreign.map((rule) => rule.id).join(', ')}: not rules of ${service}`;
      throw new Problem('validation', { errors: [{ field: 'rules', message }] });
    }
    const db = this.em.getKysely();
    const joining = service === 'identity' ? null : 'meeting';
    await sql`
      insert into service_rules as known (service, rules, joining) values (${service}, ${JSON.stringify(rules)}::jsonb, ${joining})
      on conflict (service) do update set rules = excluded.rules where known.rules <> excluded.rules`.execute(db);
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
    const { rows } = await sql<{ service: string; rules: RuleDescription[] }>`
      select service, rules from service_rules order by service`.execute(this.em.getKysely());
    return rows
      .sort((one, other) => placeOf(one.service) - placeOf(other.service))
      .flatMap(({ rules }) => rules.sort((one, other) => one.position - other.position));
  }

  /** A declaration does not wait for the onboarding of the service, which holds the row. */
  private async recordContact(service: string): Promise<void> {
    const db = this.em.getKysely();
    await sql`
      update service_rules set heard_at = ${this.clock.now()} where service = (
        select service from service_rules where service = ${service} for no key update skip locked)`.execute(db);
    await sql`delete from retired_service where service = ${service}`.execute(db);
  }

  /** The services that have declared rules, without identity. */
  async otherServices(): Promise<string[]> {
    const { rows } = await sql<{ service: string }>`
      select service from service_rules where service <> 'identity' order by service`.execute(this.em.getKysely());
    return rows.map((row) => row.service);
  }
}

const placeOf = (service: string): number => (ORDER.includes(service) ? ORDER.indexOf(service) : ORDER.length);
