import { runService } from '#libs/platform';
import { MessagingConfig } from './messaging.config.js';
import { MessagingModule } from './messaging.module.js';

await runService({ name: 'messaging', module: MessagingModule, config: MessagingConfig });
