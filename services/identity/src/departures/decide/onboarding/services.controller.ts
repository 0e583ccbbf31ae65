import { Controller } from '@nestjs/common';
import { Answers } from '#libs/broker';
import { confirmRules, retireService, servicesKnown, type KnownService } from '#libs/contracts';
import { Services } from './services.js';

/** The operator's requests about services. */
@Controller()
export class ServicesController {
  constructor(private readonly services: Services) {}

  @Answers(servicesKnown)
  list(): Promise<KnownService[]> {
    return this.services.list();
  }

  @Answers(retireService)
  retire({ service }: { service: string }): Promise<KnownService> {
    return this.services.retire(service);
  }

  @Answers(confirmRules)
  confirm({ service, rules }: { service: string; rules: string[] }): Promise<KnownService> {
    return this.services.confirm(service, rules);
  }
}
