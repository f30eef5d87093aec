/** A gauge that is read when someone asks. */
import { Gauge, type Registry } from 'prom-client';

export function addReadGauge(registry: Registry, name: string, help: string, value: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(value());
    },
  });
}
