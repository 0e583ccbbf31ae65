import { Flag } from '#libs/contracts';
import { ServiceConfig } from '#libs/platform';

export class TelephonyConfig extends ServiceConfig {
  @Flag({
    about:
      'Whether calls and texts are routed to a number, and placed from it, only after the carrier has confirmed it for the ' +
      'account ([Numbers](OPERATIONS.md#numbers)). Set it where several accounts share one carrier.',
  })
  numbersRequireConfirmation: boolean = false;
}
