import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem } from '#libs/contracts';
import { Clock } from '#libs/database';
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { RotatingMac } from '../../common/rotating-mac.js';
import { IdentityConfig } from '../../identity.config.js';
import type { Plan } from './planner.js';

/** The facts from which a preview was made. A decision with the token is refused if they have changed. */
interface Basis {
  /** Milliseconds since 1970. */
  at: number;
  facts: string;
  /** Services that could not count their rows. */
  uncounted?: string[];
}

/** Ties a decision to a preview. */
@Injectable()
export class PlanTokens {
  private readonly mac: RotatingMac;

  constructor(
    config: IdentityConfig,
    private readonly em: EntityManager,
    private readonly clock: Clock,
  ) {
    this.mac = new RotatingMac(config, 'plan token');
  }

  issue(plan: Plan, uncounted: string[] = []): string {
    const basis: Basis = {
      at: this.clock.millis(),
      facts: factsOf(plan),
      ...(uncounted.length > 0 && { uncounted }),
    };
    const body = Buffer.from(JSON.stringify(basis)).toString('base64url');
    return `${body}.${this.mac.sign(body).toString('base64url')}`;
  }

  /**
   * Successors are named after the preview, so they are not part of the token; they must not have changed since the preview.
   * @param acceptUncounted whether to go on although the preview lacks the rows of some services
   * @throws Problem `uncounted` if it lacks some; `plan-stale` if the policy, the user or a named successor has changed, or the token is invalid
   */
  async check(token: string, plan: Plan, acceptUncounted = false): Promise<void> {
    const basis = this.read(token);
    if (!basis || basis.facts !== factsOf(plan)) throw stale();
    if (basis.uncounted && !acceptUncounted) throw uncounted(basis.uncounted);
    const { rows } = await sql`
      select id from users
      where id = any(${Object.values(plan.successors)}::uuid[]) and updated_at > ${new Date(basis.at)}`.execute(
      this.em.getKysely(),
    );
    if (rows.length > 0) throw stale();
  }

  private read(token: string): Basis | undefined {
    const [body = '', signed = ''] = token.split('.');
    if (!this.mac.accepts(body, Buffer.from(signed, 'base64url'))) return undefined;
    return JSON.parse(Buffer.from(body, 'base64url').toString()) as Basis;
  }
}

function factsOf({ transition, user, policy, byPolicy }: Plan): string {
  const facts = [transition, user.account_id, user.id, user.lifecycle_version, user.seq, policy.version, byPolicy];
  return createHash('sha256').update(JSON.stringify(facts)).digest('base64url');
}

const uncounted = (items: string[]) =>
  new Problem('uncounted', {
    detail: `The preview does not count the rows of ${items.join(', ')}. Set acceptUncounted to go on.`,
    items,
  });

const stale = () =>
  new Problem('plan-stale', {
    detail: 'The policy, the user or a successor has changed since the preview. Request a new preview.',
  });
