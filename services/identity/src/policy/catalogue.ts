import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type RuleDescription } from '#libs/contracts';
import { sql } from 'kysely';

/** Services in the order in which a reader meets them; others follow. */
const ORDER = ['identity', 'contacts', 'messaging', 'telephony', 'automations', 'integrations', 'insights'];

/** All rules of all services, as they have told them. */
@Injectable()
export class Catalogue {
  constructor(private readonly em: EntityManager) {}

  /**
   * Notes the rules of one service in place of those that it told before.
   * @throws Problem `validation` when a rule is not the service's own
   */
  async declare(service: string, rules: readonly RuleDescription[]): Promise<void> {
    const foreign = rules.filter((rule) => rule.service !== service || !rule.id.startsWith(`${service}.`));
    if (foreign.length > 0) {
      const message = `${foreign.map((rule) => rule.id).join(', ')}: not rules of ${service}`;
      throw new Problem('validation', { errors: [{ field: 'rules', message }] });
    }
    await sql`
      insert into service_rules as known (service, rules) values (${service}, ${JSON.stringify(rules)}::jsonb)
      on conflict (service) do update set rules = excluded.rules where known.rules <> excluded.rules`.execute(
      this.em.getKysely(),
    );
  }

  /** Services in their order, within each its rules as its rules file reads. */
  async rules(): Promise<RuleDescription[]> {
    const { rows } = await sql<{ service: string; rules: RuleDescription[] }>`
      select service, rules from service_rules order by service`.execute(this.em.getKysely());
    return rows
      .sort((one, other) => placeOf(one.service) - placeOf(other.service))
      .flatMap(({ rules }) => rules.sort((one, other) => one.position - other.position));
  }

  /** The services that have told their rules, identity itself left out. */
  async otherServices(): Promise<string[]> {
    const { rows } = await sql<{ service: string }>`
      select service from service_rules where service <> 'identity' order by service`.execute(this.em.getKysely());
    return rows.map((row) => row.service);
  }
}

const placeOf = (service: string): number => (ORDER.includes(service) ? ORDER.indexOf(service) : ORDER.length);
