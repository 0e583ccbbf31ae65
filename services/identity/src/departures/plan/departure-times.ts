import { Injectable } from '@nestjs/common';
import { Problem, type DepartureRequest, type Restore, type LeavingTransition } from '#libs/contracts';
import { Clock } from '#libs/database';
import { momentAfter } from '../../common/moments.js';
import { Restorations } from './restorations.js';

/** When somebody leaves and returns, in ISO 8601. */
export interface Times {
  effectiveAt?: string;
  returnAt?: string;
  returnRestore?: Restore;
}

/** Reads when a departure happens, when the user returns from it, and what that return restores. */
@Injectable()
export class DepartureTimes {
  constructor(
    private readonly restorations: Restorations,
    private readonly clock: Clock,
  ) {}

  /** @throws Problem `validation` for a time that has passed, or a return from a deletion; `unknown-rule` */
  async of(transition: LeavingTransition, request: DepartureRequest): Promise<Times> {
    const now = this.clock.millis();
    const effectiveAt = request.effectiveAt && momentAfter('effectiveAt', request.effectiveAt, now);
    if (request.returnAt === undefined) {
      if (request.restore === undefined) return { effectiveAt };
      throw invalid('restore', 'restore is for a deactivation with returnAt');
    }
    if (transition === 'deleted')
      throw invalid('returnAt', 'returnAt is for a deactivation: nobody returns from a deletion');
    const left = effectiveAt === undefined ? now : Date.parse(effectiveAt);
    const returnAt = momentAfter('returnAt', request.returnAt, left);
    return { effectiveAt, returnAt, returnRestore: await this.restorations.of(request) };
  }
}

const invalid = (field: string, message: string) => new Problem('validation', { errors: [{ field, message }] });
