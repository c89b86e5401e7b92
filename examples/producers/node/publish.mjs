// Publishes three events of a seller, in CloudEvents binary mode. Exit code 1: run it again, repeats count once.
import { Producer, ProduceAcks, compatibilityPartitioner, stringSerializers } from "@platformatic/kafka";

const marketplace = process.env.MARKETPLACE ?? "demo-vn";
const topic = `greenlane.fulfilment.${marketplace}.v1`;
const producer = new Producer({
  clientId: "shop-node",
  bootstrapBrokers: (process.env.KAFKA ?? "localhost:9092").split(","),
  serializers: stringSerializers,
  acks: ProduceAcks.ALL, // a record counts once every in-sync replica has it
  partitioner: compatibilityPartitioner, // the partition that Java and Python choose for the same seller
  autocreateTopics: false,
  retries: 5,
  retryDelay: 500,
});

function record(type, id, seller, time, data) {
  return {
    topic,
    key: seller,
    headers: {
      ce_specversion: "1.0",
      ce_type: type,
      ce_source: `/marketplaces/${marketplace}`,
      ce_id: id, // yours, the same each time that you send this event
      ce_subject: seller,
      ce_time: time, // when it happened, with its offset
      "content-type": "application/json",
    },
    value: JSON.stringify(data),
  };
}

const box = { role: "outer", material: "corrugated_board", mass_g: 87.0 };
const records = ["node-1", "node-2", "node-3"].map((order) =>
  record("greenlane.parcel.packed.v1", `${order}.packed`, "seller-node", "2026-07-01T09:30:00+07:00", {
    parcel_id: order,
    country: "VN",
    components: [box],
  }),
);

let missing = 0;
for (const one of records) {
  try {
    const { offsets } = await producer.send({ messages: [one] });
    console.log(`${one.headers.ce_id} stands in partition ${offsets[0].partition} at offset ${offsets[0].offset}`);
  } catch (error) {
    missing += 1; // perhaps it stands there, perhaps not: send it again
    console.error(`${one.headers.ce_id} was not acknowledged: ${error.message}`);
  }
}
await producer.close();
process.exitCode = missing === 0 ? 0 : 1;
