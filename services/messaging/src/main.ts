import { runService } from '#libs/platform';
import { MessagingModule } from './messaging.module.js';

await runService({ name: 'messaging', module: MessagingModule });
