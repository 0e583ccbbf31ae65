import { Injectable } from '@nestjs/common';
import { Clock } from '#libs/database';
import { createHash } from 'node:crypto';
import { RotatingMac } from '../../../common/rotating-mac.js';
import { IdentityConfig } from '../../../identity.config.js';
import type { UserRow } from '../../../user/user-rows.js';
import type { Plan } from '../planner.js';
import { pack, unpack, type ShownPlan } from './shown-plan.js';

/** The facts from which a preview was made. A decision with the token is refused if they have changed. */
export interface Basis {
  /** Milliseconds since 1970. */
  at: number;
  facts: string;
  /** Services that could not count their rows. */
  uncounted?: string[];
  /** The previewed plan. Absent for a preview of the policy, after which the request may choose something else. */
  shown?: ShownPlan;
}

type Encoded = Omit<Basis, 'shown'> & { shown?: string };

/** Issues and reads the tokens that tie decisions to previews. */
@Injectable()
export class PlanTokens {
  private readonly mac: RotatingMac;

  constructor(
    config: IdentityConfig,
    private readonly clock: Clock,
  ) {
    this.mac = new RotatingMac(config, 'plan token');
  }

  issue({ facts, uncounted = [], shown }: Omit<Basis, 'at'>): string {
    const encoded: Encoded = {
      at: this.clock.millis(),
      facts,
      ...(uncounted.length > 0 && { uncounted }),
      ...(shown && { shown: pack(shown) }),
    };
    const body = Buffer.from(JSON.stringify(encoded)).toString('base64url');
    return `${body}.${this.mac.sign(body).toString('base64url')}`;
  }

  /** @returns undefined for a token that this account's identity has not issued */
  read(token: string): Basis | undefined {
    const [body = '', signed = ''] = token.split('.');
    if (!this.mac.accepts(body, Buffer.from(signed, 'base64url'))) return undefined;
    const { shown, ...basis } = JSON.parse(Buffer.from(body, 'base64url').toString()) as Encoded;
    return { ...basis, ...(shown !== undefined && { shown: unpack(shown) }) };
  }
}

/** What a departure depends on besides the rows and the request. */
export const factsOf = ({ transition, user, policy, byPolicy }: Plan): string =>
  digest([transition, user.account_id, user.id, user.lifecycle_version, user.seq, policy.version, byPolicy]);

/** What a reactivation depends on besides the rows and the request. */
export const factsOfReturn = (user: UserRow): string =>
  digest(['reactivated', user.account_id, user.id, user.lifecycle_version, user.seq]);

const digest = (facts: unknown[]): string => createHash('sha256').update(JSON.stringify(facts)).digest('base64url');
