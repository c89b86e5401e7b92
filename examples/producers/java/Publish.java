import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Publishes three events, in CloudEvents structured mode. Exit code 1: run it again, repeats count once. */
public class Publish {
  static final String MARKETPLACE = System.getenv().getOrDefault("MARKETPLACE", "demo-vn");
  static final String TOPIC = "greenlane.fulfilment." + MARKETPLACE + ".v1";
  static final ObjectMapper JSON = new ObjectMapper();

  static ProducerRecord<String, byte[]> event(String type, String id, String seller, String time, Object data)
      throws Exception {
    Map<String, Object> event = new LinkedHashMap<>();
    event.put("specversion", "1.0");
    event.put("type", type);
    event.put("source", "/marketplaces/" + MARKETPLACE);
    event.put("id", id); // yours, the same each time that you send this event
    event.put("subject", seller);
    event.put("time", time); // when it happened, with its offset
    event.put("data", data);
    var record = new ProducerRecord<>(TOPIC, seller, JSON.writeValueAsBytes(event));
    record.headers().add("content-type", "application/cloudevents+json".getBytes(StandardCharsets.UTF_8));
    return record;
  }

  public static void main(String[] args) throws Exception {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", System.getenv().getOrDefault("KAFKA", "localhost:9092"));
    settings.put("client.id", "shop-java");
    settings.put("acks", "all"); // a record counts once every in-sync replica has it
    settings.put("delivery.timeout.ms", "30000");
    settings.put("request.timeout.ms", "10000");
    var box = Map.of("role", "outer", "material", "corrugated_board", "mass_g", 87.0);
    var waiting = new LinkedHashMap<String, Future<RecordMetadata>>();
    try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new ByteArraySerializer())) {
      for (String order : List.of("java-1", "java-2", "java-3")) {
        var data = Map.of("parcel_id", order, "country", "VN", "components", List.of(box));
        var time = "2026-07-01T09:30:00+07:00";
        var packed = event("greenlane.parcel.packed.v1", order + ".packed", "seller-java", time, data);
        waiting.put(order + ".packed", producer.send(packed));
      }
    } // leaving here waits for every acknowledgement
    boolean whole = true;
    for (var sent : waiting.entrySet()) {
      try {
        RecordMetadata at = sent.getValue().get();
        System.out.printf("%s stands in partition %d at offset %d%n", sent.getKey(), at.partition(), at.offset());
      } catch (Exception error) {
        whole = false; // perhaps it stands there, perhaps not: send it again
        System.err.printf("%s was not acknowledged: %s%n", sent.getKey(), error.getMessage());
      }
    }
    System.exit(whole ? 0 : 1);
  }
}
