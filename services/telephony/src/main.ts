import { runService } from '#libs/platform';
import { TelephonyConfig } from './telephony.config.js';
import { TelephonyModule } from './telephony.module.js';

await runService({ name: 'telephony', module: TelephonyModule, config: TelephonyConfig });
