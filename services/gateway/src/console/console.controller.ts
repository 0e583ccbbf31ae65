import { Controller, Get } from '@nestjs/common';
import { GatewayConfig } from '../gateway.config.js';
import { CONSOLE_SETTINGS } from './console-paths.js';
import { demoAccountsOf, type DemoAccount } from './demo-accounts.js';

/** What the console has to know before anybody signs in. */
@Controller()
export class ConsoleController {
  private readonly demoAccounts: DemoAccount[];

  constructor(config: GatewayConfig) {
    this.demoAccounts = demoAccountsOf(config);
  }

  @Get(CONSOLE_SETTINGS)
  settings(): { demoAccounts: DemoAccount[] } {
    return { demoAccounts: this.demoAccounts };
  }
}
