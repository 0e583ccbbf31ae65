import { runService } from '#libs/platform';
import { TelephonyModule } from './telephony.module.js';

await runService({ name: 'telephony', module: TelephonyModule });
