import { Injectable } from '@nestjs/common';
import type { Principal } from '#libs/contracts';
import { Proofs } from '../session/proofs.js';
import { SecondFactors } from './second-factors.js';

/** What the password alone does not prove. */
@Injectable()
export class StrongerProofs {
  constructor(
    private readonly factors: SecondFactors,
    private readonly proofs: Proofs,
  ) {}

  /** Call it where the password has just been given. @throws Problem `step-up-required` for a user with a second factor */
  async require(principal: Principal): Promise<void> {
    if (await this.factors.exist(principal.userId)) await this.proofs.require(principal);
  }
}
