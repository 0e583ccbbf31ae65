import { runService } from '#libs/platform';
import { IntegrationsConfig } from './integrations.config.js';
import { IntegrationsModule } from './integrations.module.js';

await runService({ name: 'integrations', module: IntegrationsModule, config: IntegrationsConfig });
