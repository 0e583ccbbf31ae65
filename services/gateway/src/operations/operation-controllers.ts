import { ALL_OPERATIONS, type Operation } from '#libs/contracts';
import { Controller, Inject, Req, Res, type Type } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Forwarder } from './forwarder.js';
import { Serves } from './serves.js';

/**
 * Creates one controller per service from the declared operations. Operations marked `custom` have their own
 * controllers.
 */
export function operationControllers(operations: readonly Operation[] = ALL_OPERATIONS): Type[] {
  const forwarded = Map.groupBy(
    operations.filter(({ custom }) => !custom),
    ({ service }) => service,
  );
  return [...forwarded].map(([service, its]) => controllerFor(service, its));
}

function controllerFor(service: string, operations: readonly Operation[]): Type {
  class ServiceController {
    constructor(readonly forwarder: Forwarder) {}
  }
  Inject(Forwarder)(ServiceController, undefined, 0);
  Controller()(ServiceController);
  Object.defineProperty(ServiceController, 'name', { value: `${service}Operations` });
  for (const operation of operations) addRoute(ServiceController, operation);
  return ServiceController;
}

function addRoute(controller: Type<{ forwarder: Forwarder }>, operation: Operation): void {
  const handler = {
    value(this: { forwarder: Forwarder }, request: FastifyRequest, reply: FastifyReply) {
      return this.forwarder.forward(operation, request, reply);
    },
    configurable: true,
  };
  Object.defineProperty(controller.prototype, operation.id, handler);
  Req()(controller.prototype, operation.id, 0);
  Res({ passthrough: true })(controller.prototype, operation.id, 1);
  Serves(operation)(controller.prototype, operation.id, handler);
}
