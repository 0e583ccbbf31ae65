import { runService } from '#libs/platform';
import { gateway } from './gateway.js';

await runService(gateway);
