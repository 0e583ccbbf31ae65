import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type SecondFactorProof, type SignedIn } from '#libs/contracts';
import type { OpenedBy } from '../session/sessions.js';
import { isGiven, SecondFactors } from '../sign-in-method/second-factors.js';
import { SignInChallenges } from '../sign-in-method/sign-in-challenges.js';
import { SessionOpenings, type SigningIn } from './session-openings.js';

/** What follows a right password. */
@Injectable()
export class SecondStep {
  constructor(
    private readonly em: EntityManager,
    private readonly factors: SecondFactors,
    private readonly challenges: SignInChallenges,
    private readonly openings: SessionOpenings,
  ) {}

  /**
   * Signs in a user without a second factor, or who has sent it along.
   * @throws Problem `second-factor-required` with a challenge, `invalid-credentials`, `too-many-requests`
   */
  async take(person: SigningIn & { passwordHash: string }, given: SecondFactorProof, by: OpenedBy): Promise<SignedIn> {
    const methods = await this.factors.methodsOf(person.userId);
    if (methods.length === 0) return this.em.transactional(() => this.openings.open(person, by));
    if (isGiven(given)) return this.factors.check(person, given, () => this.openings.open(person, by, nameOf(given)));
    const challenge = await this.em.transactional(() => this.challenges.open(person.userId, person.passwordHash));
    throw new Problem('second-factor-required', { challenge, methods });
  }

  /** @throws Problem `unauthenticated` if the challenge is over; `validation`, `invalid-credentials`, `too-many-requests` */
  async goOn(challenge: string, given: SecondFactorProof, by: OpenedBy): Promise<SignedIn> {
    if (!isGiven(given)) {
      const message = 'totp, recoveryCode or passkey must go with challenge';
      throw new Problem('validation', { errors: [{ field: 'totp', message }] });
    }
    const challenged = await this.em.transactional(() => this.challenges.take(challenge));
    return this.factors.check(challenged, given, async () => {
      await this.challenges.use(challenged);
      return this.openings.open(challenged, by, nameOf(given));
    });
  }
}

const nameOf = ({ passkey, totp }: SecondFactorProof): string =>
  passkey ? 'passkey' : totp === undefined ? 'recovery-code' : 'totp';
