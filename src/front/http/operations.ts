/** The operators' port: metrics and health. It never carries repository data. */
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Registry } from 'prom-client';

export interface OperationsOptions {
  readonly registry: Registry;
  readonly logger: FastifyBaseLogger;
  /** Why the service should get no new work; undefined when it may. */
  readonly notReady: () => string | undefined;
}

export function createOperationsServer({ registry, logger, notReady }: OperationsOptions): FastifyInstance {
  const app = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
  app.get('/livez', async (_request, reply) => reply.type('text/plain').send('ok\n'));
  app.get('/readyz', async (_request, reply) => {
    const reason = notReady();
    return reply
      .code(reason ? 503 : 200)
      .type('text/plain')
      .send(`${reason ?? 'ok'}\n`);
  });
  return app;
}
