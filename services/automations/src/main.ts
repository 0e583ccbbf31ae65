import { runService } from '#libs/platform';
import { AutomationsModule } from './automations.module.js';

await runService({ name: 'automations', module: AutomationsModule });
