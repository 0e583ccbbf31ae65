import { Controller } from '@nestjs/common';
import { Answers } from '#libs/broker';
import { catchUp, raiseVersions, type CatchUpRequest, type CatchUpState } from '#libs/contracts';
import { CatchUps } from './catch-ups.js';
import { ForgottenVersions } from './forgotten-versions.js';

/** The operator's requests after a restore of a service's database or of identity's own. */
@Controller()
export class CatchUpController {
  constructor(
    private readonly catchUps: CatchUps,
    private readonly versions: ForgottenVersions,
  ) {}

  @Answers(catchUp, { acrossAccounts: 'An operator asks about all accounts.' })
  catchUp({ service, since }: CatchUpRequest): Promise<CatchUpState> {
    return since === undefined ? this.catchUps.state(service) : this.catchUps.begin(service, since);
  }

  @Answers(raiseVersions, { acrossAccounts: 'An operator asks about all accounts.' })
  async raise({ people }: { people: { userId: string; seq: number; lifecycleVersion: number }[] }) {
    return { raised: await this.versions.raise(people) };
  }
}
